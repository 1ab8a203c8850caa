// Shared by the tests of this package; holds no tests itself.
import { fileURLToPath } from "node:url";
import { type Recording, readRecording } from "./recording.ts";

export const RECORDINGS = ["single", "four", "short"] as const;

/** A recording among the project's vectors. */
export function recording(name: (typeof RECORDINGS)[number]): Recording {
	return readRecording(fileURLToPath(new URL("../../../../vectors/chain/", import.meta.url)), name);
}
