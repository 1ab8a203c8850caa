import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { generatePrivateKey } from "@cairn/crypto";
import type { Connection } from "@cairn/kit";
import { realWorld } from "@cairn/world";
import { nodeKeyOf } from "./node-key.ts";
import type { Peer } from "./peer.ts";
import { parsePeerAddress } from "./peer-address.ts";
import { Switchboard } from "./switchboard.ts";
import { DEFAULT_SWITCHBOARD_OPTIONS } from "./switchboard-options.ts";
import { CHANNEL, RecordingHandler } from "./test-node.ts";

const world = realWorld();

async function start(handler: RecordingHandler): Promise<{ board: Switchboard; address: string }> {
	const nodeKey = nodeKeyOf(generatePrivateKey("ed25519", world.random.bytes(32)));
	const nodeInfo = {
		protocolVersion: { p2p: 8n, block: 11n, app: 0n },
		id: nodeKey.id,
		listenAddress: "tcp://127.0.0.1:1",
		network: "sockets",
		version: "0.39.0",
		channels: Uint8Array.of(CHANNEL.id),
		moniker: "sockets",
		other: { txIndex: "on", rpcAddress: "" },
	};
	const options = { ...DEFAULT_SWITCHBOARD_OPTIONS, listenAddress: "tcp://127.0.0.1:0" };
	const board = new Switchboard(options, { world, nodeKey, nodeInfo, handlers: [handler] });
	await board.start();
	return { board, address: `${nodeKey.id}@${board.listenAddress}` };
}

/** Resolves with the next message. */
function nextMessage(handler: RecordingHandler): Promise<Uint8Array> {
	return new Promise((resolve) => {
		handler.onReceive = (_peer, message) => resolve(message);
	});
}

describe("over real sockets", () => {
	it("two nodes exchange large messages and part", async () => {
		const [handlerA, handlerB] = [new RecordingHandler(), new RecordingHandler()];
		const [a, b] = [await start(handlerA), await start(handlerB)];
		const peer = await a.board.dialPeer(parsePeerAddress(b.address));
		const message = Uint8Array.from({ length: CHANNEL.receiveMessageCapacity }, (_, i) => i * 31);
		const arrived = nextMessage(handlerB);
		assert.ok(peer.send(CHANNEL.id, message));
		assert.deepEqual(await arrived, message);
		const [back] = b.board.peers;
		const answered = nextMessage(handlerA);
		back?.send(CHANNEL.id, message.subarray(0, 10));
		assert.deepEqual(await answered, message.slice(0, 10));
		const removed = new Promise<Peer>((resolve) => {
			handlerB.removePeer = resolve;
		});
		await a.board.stop();
		assert.equal(await removed, back);
		await b.board.stop();
	});

	it("an honest peer comes in past five hundred half-open connections", async () => {
		const host = await start(new RecordingHandler());
		const guest = await start(new RecordingHandler());
		const where = `tcp://${host.board.listenAddress}`;
		const strangers: Connection[] = [];
		for (let i = 0; i < 500; i++) {
			const connection = await world.network.dial(where, 5000);
			connection.onClose = () => undefined;
			connection.onData = () => undefined;
			strangers.push(connection);
		}
		const peer = await guest.board.dialPeer(parsePeerAddress(host.address));
		assert.ok(peer.connected);
		assert.ok(host.board.counts.halfOpen <= DEFAULT_SWITCHBOARD_OPTIONS.maxHalfOpen);
		for (const connection of strangers) connection.destroy();
		await Promise.all([guest.board.stop(), host.board.stop()]);
	});
});
