// A request as a command and as a program. The key is never in them: they take it from the environment.

const VARIABLE = "JACKFIELD_API_KEY";
const PATH = "/v1/chat/completions";
/** Arguments of the method of OpenAI's Python library; whatever else is in a request goes by `extra_body`. */
const ARGUMENTS = new Set([
  "model", "messages", "audio", "frequency_penalty", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens",
  "metadata", "modalities", "n", "parallel_tool_calls", "prediction", "presence_penalty", "reasoning_effort",
  "response_format", "seed", "service_tier", "stop", "store", "stream", "stream_options", "temperature",
  "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity", "web_search_options",
]);

/** A command line for a POSIX shell. */
export function curl(request, origin) {
  const lines = [
    `curl ${request.stream ? "-N " : ""}${shell(origin + PATH)}`,
    `  -H "Authorization: Bearer $${VARIABLE}"`,
    `  -H 'Content-Type: application/json'`,
    `  --data-raw ${shell(JSON.stringify(request, null, 2))}`,
  ];
  return lines.join(" \\\n");
}

/** A program with OpenAI's library. */
export function python(request, origin) {
  const named = Object.entries(request).filter(([name]) => ARGUMENTS.has(name));
  const others = Object.fromEntries(Object.entries(request).filter(([name]) => !ARGUMENTS.has(name)));
  if (Object.keys(others).length) named.push(["extra_body", others]);
  const given = named.map(([name, value]) => `    ${name}=${literal(value, "    ")},`);
  return [
    "import os",
    "",
    "from openai import OpenAI",
    "",
    `client = OpenAI(base_url=${literal(`${origin}/v1`)}, api_key=os.environ.get("${VARIABLE}", "none"))`,
    `${request.stream ? "stream" : "completion"} = client.chat.completions.create(`,
    ...given,
    ")",
    ...(request.stream
      ? [
          "for chunk in stream:",
          "    if chunk.choices:",
          '        print(chunk.choices[0].delta.content or "", end="", flush=True)',
          "print()",
        ]
      : ["print(completion.choices[0].message.content)"]),
    "",
  ].join("\n");
}

/** One word of a shell: within single quotes all is as it stands, but for these quotes themselves. */
const shell = (value) => `'${value.replaceAll("'", `'\\''`)}'`;

/** A Python literal. The escapes of JSON's strings are escapes of Python's. */
function literal(value, indent = "") {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}    `;
  const list = Array.isArray(value);
  const items = list
    ? value.map((one) => literal(one, inner))
    : Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${literal(one, inner)}`);
  const [open, close] = list ? "[]" : "{}";
  const short = items.join(", ");
  if (short.length + indent.length < 80 && !short.includes("\n")) return open + short + close;
  return `${open}\n${items.map((item) => `${inner}${item},\n`).join("")}${indent}${close}`;
}
