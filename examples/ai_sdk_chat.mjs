// Vercel's AI SDK: the model calls a tool, and tells what came of it. `node ai_sdk_chat.mjs MODEL`
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const { OPENAI_BASE_URL: baseURL, OPENAI_API_KEY: apiKey } = process.env;
const jackfield = createOpenAICompatible({ name: "jackfield", baseURL, apiKey, includeUsage: true });
const weather = tool({
  description: "The weather of a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: async () => "sunny, 21 degrees",
});
const prompt = "What is the weather in Paris?";
const answer = streamText({ model: jackfield(process.argv[2]), prompt, tools: { weather }, stopWhen: stepCountIs(3) });
for await (const text of answer.textStream) process.stdout.write(text);
const calls = (await answer.steps).flatMap((step) => step.toolCalls);
console.log(`\n${calls.length} calls, ${(await answer.totalUsage).totalTokens} tokens`);
