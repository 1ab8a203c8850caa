// Lets a recorded node's subscribers hear what they heard; holds no tests itself.
import assert from "node:assert/strict";
import type { ChainEvent } from "@cairn/chain";
import { fromHex } from "@cairn/kit";
import { blockIdFromProto, blockIdKey, voteFromProto } from "@cairn/types";
import { readBlockId, readVote } from "../parse/evidence.ts";
import { GoJson } from "../parse/go-json.ts";
import type { RpcServer } from "../server/rpc-server.ts";
import { maskEvent } from "./masked-fields.ts";
import { RecordedNode } from "./recorded-node.ts";
import type { RecordedFrame, Recording } from "./recording.ts";
import { TestSocket } from "./web-socket-client.ts";

/** A server's message that tells of an event. */
interface EventFrame {
	readonly id: number;
	readonly result: {
		readonly query: string;
		readonly data: { readonly type: string; readonly value: Record<string, unknown> };
		readonly events: Record<string, string[]>;
	};
}

const MARK = /"result":\{"query"/;
/** Events of the executor: they come out of the recorded blocks. All others are published as they were recorded. */
const FROM_BLOCKS = new Set(["NewBlock", "NewBlockHeader", "Tx", "ValidatorSetUpdates"]);

function nameOf({ result }: EventFrame): string {
	return result.events["tm.event"]?.[0] ?? "";
}

/** Go prints the attributes of an event in random order, and so their order does not count. */
function comparable(text: string): string {
	const at = text.lastIndexOf(',"events":{');
	if (!MARK.test(text) || at < 0) return text;
	const { events } = (JSON.parse(text) as EventFrame).result;
	const sorted = Object.entries(events).sort(([a], [b]) => (a < b ? -1 : 1));
	return `${maskEvent(text.slice(0, at))}${JSON.stringify(sorted)}`;
}

/** The height of the block that an event is of, where it says. */
function blockHeightOf(frame: EventFrame): number | null {
	const { value } = frame.result.data as unknown as { value: Record<string, Record<string, unknown>> };
	const header = (value.block?.header ?? value.header) as { height?: string } | undefined;
	const height = header?.height ?? (value.TxResult as { height?: string } | undefined)?.height;
	return height === undefined ? null : Number(height);
}

/** An event of consensus, read back from what the real node told of it. */
function consensusEvent(frame: EventFrame): ChainEvent {
	const name = nameOf(frame);
	const { value } = frame.result.data;
	const { height, round, step } = value as { height: string; round: number; step: string };
	const position = { height: Number(height), round, step };
	switch (name) {
		case "Vote":
			return { name, vote: voteFromProto(readVote(GoJson.parse(JSON.stringify(value.Vote)))) };
		case "NewRound": {
			const { address, index } = value.proposer as { address: string; index: number };
			return { name, ...position, proposer: { address: fromHex(address), index } };
		}
		case "CompleteProposal": {
			const blockId = blockIdFromProto(readBlockId(GoJson.parse(JSON.stringify(value.block_id))));
			return { name, ...position, blockId, block: blockIdKey(blockId) };
		}
		default:
			return { name: name as "NewRoundStep", ...position };
	}
}

/** A stretch of the recording: what the client sent, how that was answered, and the events until it sent something again. */
export interface Scene {
	readonly requests: readonly string[];
	readonly answers: readonly string[];
	readonly events: readonly string[];
	/** Words of farewell, when the node stopped. */
	readonly farewells: readonly string[];
}

/** Cuts a recording at the client's messages. */
export function scenesOf(frames: readonly RecordedFrame[]): Scene[] {
	const scenes: { requests: string[]; answers: string[]; events: string[]; farewells: string[] }[] = [];
	for (const [index, { dir, text }] of frames.entries()) {
		if (dir === "client" && frames[index - 1]?.dir !== "client") {
			scenes.push({ requests: [], answers: [], events: [], farewells: [] });
		}
		const scene = scenes.at(-1);
		assert.ok(scene !== undefined, "the client speaks first");
		if (dir === "client") scene.requests.push(text);
		else if (MARK.test(text)) scene.events.push(text);
		else if (text.includes('"code":-32000')) scene.farewells.push(text);
		else scene.answers.push(text);
	}
	return scenes;
}

/** Node 0 of a recorded network with a subscriber on a real WebSocket. */
export class FrameRehearsal {
	readonly scenes: readonly Scene[];
	readonly #node: RecordedNode;
	readonly #server: RpcServer;
	readonly #socket: TestSocket;
	#marks = 0;

	private constructor(node: RecordedNode, server: RpcServer, socket: TestSocket, scenes: readonly Scene[]) {
		this.#node = node;
		this.#server = server;
		this.#socket = socket;
		this.scenes = scenes;
	}

	static async open(recording: Recording): Promise<FrameRehearsal> {
		const node = await RecordedNode.at(recording, 1);
		const server = await node.serve();
		const socket = await TestSocket.open(server.addresses[0] ?? "");
		return new FrameRehearsal(node, server, socket, scenesOf(recording.frames));
	}

	/** Plays a scene; they have to be played in turn. @throws AssertionError */
	async play(index: number): Promise<void> {
		const scene = this.scenes[index];
		assert.ok(scene !== undefined);
		for (const request of scene.requests) this.#socket.send(request);
		await this.#mark();
		assert.deepEqual(this.#take(), scene.answers, "answers, in the order of the requests");
		const heard: string[] = [];
		for (const text of scene.events) heard.push(...(await this.#cause(text, heard)));
		this.#compare(scene.events, heard);
	}

	/** Stops the server and hears what it says to that. @throws AssertionError */
	async end(): Promise<void> {
		const farewells = this.scenes.flatMap((scene) => scene.farewells);
		await this.#server.close();
		await this.#socket.closed;
		const last = this.#take();
		// The recording has the first word of farewell only.
		for (const farewell of farewells) assert.ok(last.includes(farewell), `${farewell} in ${last.join("\n")}`);
	}

	close(): Promise<void> {
		this.#socket.close();
		return this.#server.close();
	}

	/** Brings about an event that was recorded, unless it has been heard. */
	async #cause(text: string, heard: readonly string[]): Promise<string[]> {
		const frame = JSON.parse(text) as EventFrame;
		if (!FROM_BLOCKS.has(nameOf(frame))) {
			this.#node.events.publish(consensusEvent(frame));
			await this.#mark();
			return this.#take();
		}
		const height = blockHeightOf(frame);
		const wanted = comparable(text);
		const found: string[] = [];
		const isDue = (): boolean => {
			if (height !== null) return this.#node.height < height;
			return this.#node.canGrow && ![...heard, ...found].some((each) => comparable(each) === wanted);
		};
		while (isDue()) {
			await this.#node.grow();
			await this.#mark();
			found.push(...this.#take());
		}
		return found;
	}

	/** Every recorded event was heard, those of one subscription in the same order. We may hear of more blocks. */
	#compare(recorded: readonly string[], heard: readonly string[]): void {
		const all = heard.map(comparable);
		const places = new Map<string, number>();
		for (const frame of recorded.map(comparable)) {
			const from = places.get(idOf(frame)) ?? 0;
			const found = all.indexOf(frame, from);
			const rest = all.slice(from).filter((each) => idOf(each) === idOf(frame));
			assert.ok(found >= 0, `not heard, or not in this order:\n${frame}\nbut\n${rest.slice(0, 3).join("\n")}`);
			places.set(idOf(frame), found + 1);
		}
	}

	/** Waits until everything that the server had to say has arrived. */
	async #mark(): Promise<void> {
		// Events leave at the end of the turn in which they were published.
		await new Promise((resolve) => setImmediate(resolve));
		await this.#socket.call(`mark ${++this.#marks}`, "health");
	}

	/** What has arrived since the last time. */
	#take(): string[] {
		return this.#socket.frames.splice(0).filter((frame) => !frame.includes('"id":"mark '));
	}
}

function idOf(text: string): string {
	return /"id":([^,]+)/.exec(text)?.[1] ?? "";
}
