// The npm package openai; it asks and tells what say.py and with_openai.py do.
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const me = process.argv[2];
const hello = [{ role: "user", content: "Hello." }];
const held = (how) => [{ role: "user", content: `hold:${me}-${how}` }];
const tooLong = [{ role: "user", content: "much too long ".repeat(600) }];
const city = z.object({ city: z.string(), country: z.string() });
const tool = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather of a city.",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};
const client = new OpenAI({ maxRetries: 0 });
const create = (fields, options) =>
  client.chat.completions.create({ model: "tiny", messages: hello, ...fields }, options);
const usage = (told) => [told.prompt_tokens, told.completion_tokens, told.total_tokens];
const called = (message) => {
  const [call, ...more] = message.tool_calls;
  if (more.length) throw new Error("more than one call");
  return [call.function.name, JSON.parse(call.function.arguments)];
};

let left = 0;
function leaving() {
  left = Date.now();
  return { at: left / 1000 };
}

function failure(error) {
  const raised = [];
  for (let kind = error.constructor; kind?.name; kind = Object.getPrototypeOf(kind)) raised.push(kind.name);
  const { status: status_code, code, type, param, requestID: request_id } = error;
  return { raised, message: error.message, status_code, code, type, param, request_id };
}

async function say(name, ask) {
  let told;
  try {
    told = await ask();
  } catch (error) {
    told = failure(error);
  }
  console.log(JSON.stringify({ case: name, ...told }));
}

await say("abort", async () => {
  const chunks = await create({ messages: held("abort"), stream: true });
  for await (const _ of chunks) {
    const told = leaving();
    chunks.controller.abort();
    return told;
  }
});
await say("give up", async () => {
  try {
    await create({ messages: held("give-up") }, { timeout: 500 });
  } catch (error) {
    if (error instanceof OpenAI.APIConnectionTimeoutError) return leaving();
    throw error;
  }
});
await say("plain", async () => {
  const response = await create();
  const [choice] = response.choices;
  return {
    text: choice.message.content,
    finish: choice.finish_reason,
    usage: usage(response.usage),
    request_id: response._request_id,
  };
});
await say("stream", async () => {
  const told = { pieces: [] };
  for await (const chunk of await create({ stream: true, stream_options: { include_usage: true } })) {
    const [choice] = chunk.choices;
    if (choice?.delta.content) told.pieces.push(choice.delta.content);
    if (choice?.finish_reason) told.finish = choice.finish_reason;
    if (chunk.usage) told.usage = usage(chunk.usage);
  }
  return told;
});
await say("tools", async () => {
  const { message } = (await create({ tools: [tool] })).choices[0];
  const result = { role: "tool", tool_call_id: message.tool_calls[0].id, content: "sunny" };
  const then = await create({ messages: [...hello, message, result], tools: [tool] });
  return { call: called(message), then: then.choices[0].message.content };
});
await say("streamed tools", async () => {
  const stream = client.chat.completions.stream({ model: "tiny", messages: hello, tools: [tool] });
  return { call: called(await stream.finalMessage()) };
});
await say("schema", async () => {
  const asked = { model: "tiny", messages: hello, response_format: zodResponseFormat(city, "city") };
  return { parsed: (await client.chat.completions.parse(asked)).choices[0].message.parsed };
});
await say("401", () => client.withOptions({ apiKey: "jf-wrong" }).chat.completions.create({ model: "tiny", messages: hello }));
await say("404", () => create({ model: "nothing" }));
await say("400", () => create({ temperature: "hot" }));
await say("400 of the backend", () => create({ messages: tooLong }));
await new Promise((resolve) => setTimeout(resolve, Math.max(0, left + 1500 - Date.now())));
