import { basename, dirname } from "node:path";
import { CallRehearsal, FrameRehearsal, type Recording, readRecording } from "@cairn/rpc";
import { type Checker, fail, type VectorFile } from "../checker.ts";
import { same } from "../expectation.ts";

/** The recording that a file is part of: `single-rpc.json` stands beside `chain-single.json`. */
function recordingOf({ path }: VectorFile, kind: "rpc" | "ws"): Recording {
	const name = new RegExp(`^(.+)-${kind}\\.json$`).exec(basename(path))?.[1];
	return name === undefined
		? fail(`the name of the file does not end in -${kind}.json`)
		: readRecording(dirname(path), name);
}

/** Every recorded request gets CometBFT's answer from our node, which replays the same chain. */
export const checkRpc: Checker = async (file, tally) => {
	const recording = recordingOf(file, "rpc");
	same("calls", recording.calls, (file.content as { readonly calls?: unknown }).calls);
	const rehearsal = await CallRehearsal.open(recording);
	try {
		for (const [index, { label }] of rehearsal.calls.entries()) {
			await tally.check(`calls[${index}] ${label.slice(0, 100)}`, () => rehearsal.check(index));
		}
	} finally {
		await rehearsal.close();
	}
};

/** Subscribers to our node, which replays the same chain, hear what those of CometBFT heard. */
export const checkWs: Checker = async (file, tally) => {
	const recording = recordingOf(file, "ws");
	same("frames", recording.frames, (file.content as { readonly frames?: unknown }).frames);
	const rehearsal = await FrameRehearsal.open(recording);
	try {
		for (const index of rehearsal.scenes.keys()) await tally.check(`scene ${index}`, () => rehearsal.play(index));
		await tally.check("farewell", () => rehearsal.end());
	} finally {
		await rehearsal.close();
	}
};
