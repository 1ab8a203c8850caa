import { readFileSync } from "node:fs";

/** A file of vectors/ (made by the real CometBFT v0.40.0); the caller names the shape it has. For tests only. */
export function readVectors<Shape>(name: string): Shape {
	return JSON.parse(readFileSync(new URL(`../../../vectors/${name}`, import.meta.url), "utf8")) as Shape;
}
