// Requests to the gateway that served this page.

import { askForKey, key } from "./key.js";

/** What the gateway refused, in its own words. */
export class ApiError extends Error {
  constructor(status, error, requestId) {
    super(typeof error?.message === "string" ? error.message : `the gateway answered ${status}`);
    this.status = status;
    this.error = error ?? null;
    this.requestId = requestId;
  }
}

/** The answer to a request, once its head has come. Throws ApiError where its status is none of success. */
export async function ask(path, { body, signal } = {}) {
  const headers = {};
  if (key()) headers.authorization = `Bearer ${asHeader(key())}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  const method = body === undefined ? "GET" : "POST";
  const answer = await fetch(path, { method, headers, body, signal, cache: "no-store", credentials: "omit" });
  if (answer.ok) return answer;
  if (answer.status === 401) askForKey();
  const told = await answer.json().catch(() => null);
  throw new ApiError(answer.status, told?.error, answer.headers.get("x-request-id"));
}

export const askJson = async (path, options) => (await ask(path, options)).json();

/** What a header can carry: a key with other characters is none, and the gateway shall say so. */
const asHeader = (value) => value.replace(/[^\x21-\x7e]/g, "?");
