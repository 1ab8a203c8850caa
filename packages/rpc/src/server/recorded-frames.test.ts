import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { FrameRehearsal } from "../testing/frame-rehearsal.ts";
import { RECORDINGS, recording } from "../testing/vectors.ts";

describe("recorded subscribers hear what CometBFT told them", () => {
	for (const name of RECORDINGS) {
		test(name, async () => {
			const rehearsal = await FrameRehearsal.open(recording(name));
			after(() => rehearsal.close());
			assert.ok(rehearsal.scenes.length > 0);
			for (let index = 0; index < rehearsal.scenes.length; index++) await rehearsal.play(index);
			await rehearsal.end();
		});
	}
});
