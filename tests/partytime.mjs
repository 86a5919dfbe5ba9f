// Writes what podcast-partytime reads in a feed, as JSON: node partytime.mjs FEED JSON. It prints its warnings itself.
import { readFile, writeFile } from "node:fs/promises";

process.env.PARTYTIME_LOG = "warn";
const { parseFeed } = await import("podcast-partytime");
await writeFile(process.argv[3], JSON.stringify(parseFeed(await readFile(process.argv[2], "utf8"))));
