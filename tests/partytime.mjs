// Prints, as JSON, what podcast-partytime reads in the feed whose path is given.
import { readFile } from "node:fs/promises";

process.env.PARTYTIME_LOG = "silent"; // it logs to stdout, where the JSON goes
const { parseFeed } = await import("podcast-partytime");
process.stdout.write(JSON.stringify(parseFeed(await readFile(process.argv[2], "utf8"))));
