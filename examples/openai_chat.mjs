// The npm package openai: an answer as it is written, and its tokens. `node openai_chat.mjs MODEL`
import OpenAI from "openai";

const stream = await new OpenAI().chat.completions.create({
  model: process.argv[2],
  messages: [{ role: "user", content: "What is the capital of France?" }],
  stream: true,
  stream_options: { include_usage: true },
});
for await (const chunk of stream) {
  for (const choice of chunk.choices) process.stdout.write(choice.delta.content ?? "");
  if (chunk.usage) console.log(`\n${chunk.usage.total_tokens} tokens`);
}
