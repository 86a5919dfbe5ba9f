// Prints, as JSON, what feedsmith reads in the file whose path is given, as the format it finds out by itself.
import { readFile } from "node:fs/promises";
import { parseFeed, parseOpml } from "feedsmith";

const text = await readFile(process.argv[2], "utf8");
process.stdout.write(JSON.stringify(process.argv[2].endsWith(".opml") ? parseOpml(text) : parseFeed(text)));
