import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toHex } from "@cairn/kit";
import { abci, type Codec, codecByName, encodeDelimited, fromProtoJson, type Json } from "@cairn/types/proto";
import type { Application } from "./application.ts";
import { openKvStore } from "./kvstore/kvstore.ts";
import { dispatch } from "./local-client.ts";
import { FrameReader } from "./socket/framing.ts";
import { finalizeBlockOf, frameOf, readChain, readVectors, type Session, type SessionMessage } from "./test-vector.ts";

const readSession = (name: string): Session => readVectors<Session>(`abci-session-${name}.json`);

function messageIn(frame: Uint8Array): Uint8Array {
	const messages: Uint8Array[] = [];
	const reader = new FrameReader();
	reader.push(frame, (message) => messages.push(message));
	assert.equal(messages.length, 1);
	assert.ok(reader.isAtBoundary);
	return messages[0] as Uint8Array;
}

function typeOf(message: SessionMessage): string {
	return message.dir === "req" ? "tendermint.abci.Request" : "tendermint.abci.Response";
}

describe("recorded sessions of the real node", () => {
	for (const name of ["single", "four"]) {
		it(`${name}: every frame decodes to its JSON and encodes to itself`, () => {
			const { messages } = readSession(name);
			assert.ok(messages.length > 80);
			for (const message of messages) {
				const codec = codecByName.get(typeOf(message)) as Codec<unknown>;
				const decoded = codec.decode(messageIn(frameOf(message)));
				assert.deepEqual(decoded, fromProtoJson(typeOf(message), message.json), `message ${message.n}`);
				assert.equal(toHex(encodeDelimited(codec.encode(decoded))), message.delimited_hex);
			}
		});

		it(`${name}: all frames as one stream, cut anywhere`, () => {
			const { messages } = readSession(name);
			const stream = Buffer.concat(messages.map(frameOf));
			for (const step of [1, 2, 3, 7, 64, 1000, stream.length]) {
				const found: string[] = [];
				const reader = new FrameReader();
				for (let at = 0; at < stream.length; at += step) {
					reader.push(new Uint8Array(stream.subarray(at, at + step)), (message) => {
						found.push(toHex(encodeDelimited(message)));
					});
				}
				assert.deepEqual(
					found,
					messages.map((message) => message.delimited_hex),
				);
			}
		});
	}

	it("delimited messages of every type", () => {
		const cases = readVectors<{ cases: { delimited_hex: string; json: Json; type: string }[] }>("abci-delimited.json");
		assert.ok(cases.cases.length > 30);
		for (const { delimited_hex, json, type } of cases.cases) {
			const codec = codecByName.get(type) as Codec<unknown>;
			const decoded = codec.decode(messageIn(Buffer.from(delimited_hex, "hex")));
			assert.deepEqual(decoded, fromProtoJson(type, json));
			assert.equal(toHex(encodeDelimited(codec.encode(decoded))), delimited_hex);
		}
	});
});

/** Recorded requests, each with the answer that came to it: answers come in order on each connection. */
function exchanges(messages: readonly SessionMessage[]): { request: SessionMessage; response: SessionMessage }[] {
	const found: { request: SessionMessage; response: SessionMessage }[] = [];
	const waiting = new Map<string, SessionMessage[]>();
	for (const message of messages) {
		const key = `${message.conn} ${message.type.split("_")[1]}`;
		if (message.dir === "req") waiting.set(key, [...(waiting.get(key) ?? []), message]);
		else {
			const request = waiting.get(key)?.shift();
			if (request !== undefined) found.push({ request, response: message });
		}
	}
	return found;
}

async function answerTo(application: Application, request: SessionMessage): Promise<string> {
	const { value: arm } = abci.Request.decode(messageIn(frameOf(request)));
	assert.ok(arm !== null);
	const value = await dispatch(application, arm.kind, arm.value);
	const response = { value: { kind: arm.kind, value } as abci.Response["value"] };
	return toHex(encodeDelimited(abci.Response.encode(response)));
}

/** Vote extensions of the recorded four-node chain come from a wrapper around the example. */
const NOT_OURS = new Set(["Request_ExtendVote", "Request_VerifyVoteExtension"]);

describe("our kvstore gives the recorded answers", () => {
	for (const [session, chainName] of [
		["single", "short"],
		["four", "four"],
	] as const) {
		it(`session ${session}: every exchange`, async () => {
			const { blocks } = readChain(chainName);
			const application = await openKvStore();
			let height = 0;
			let compared = 0;
			for (const { request, response } of exchanges(readSession(session).messages)) {
				if (NOT_OURS.has(request.type)) continue;
				// The recording keeps only the first six blocks: the chain's own blocks fill the gap.
				const answered = abci.Response.decode(messageIn(frameOf(response))).value;
				const upTo = answered?.kind === "info" ? answered.value.lastBlockHeight : heightOf(answered);
				while (upTo !== null && height < Number(upTo)) {
					const block = blocks[height++];
					assert.ok(block !== undefined);
					await application.finalizeBlock(finalizeBlockOf(block));
					await application.commit({});
				}
				assert.equal(await answerTo(application, request), response.delimited_hex, `message ${request.n}`);
				if (request.type === "Request_Commit") height++;
				compared++;
			}
			assert.ok(compared > 30, `${compared} compared`);
		});
	}
});

function heightOf(response: abci.Response["value"]): bigint | null {
	return response?.kind === "query" && response.value.height > 0n ? response.value.height : null;
}
