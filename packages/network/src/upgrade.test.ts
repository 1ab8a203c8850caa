import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { generatePrivateKey } from "@cairn/crypto";
import { CairnError, type Connection, concatBytes } from "@cairn/kit";
import { type MemoryWorld, memoryWorld, settle } from "@cairn/world";
import { encodeNodeInfoDelimited, type NodeInfo } from "./node-info.ts";
import { type NodeKey, nodeKeyOf } from "./node-key.ts";
import { SecretConnection } from "./secret-connection.ts";
import { Upgrade, type Upgraded, type UpgradeOptions } from "./upgrade.ts";

const OURS = nodeKeyOf(generatePrivateKey("ed25519", new Uint8Array(32).fill(1)));
const THEIRS = nodeKeyOf(generatePrivateKey("ed25519", new Uint8Array(32).fill(2)));

function infoOf(key: NodeKey): NodeInfo {
	return {
		protocolVersion: { p2p: 8n, block: 11n, app: 0n },
		id: key.id,
		listenAddress: "tcp://10.0.0.2:26656",
		network: "chain",
		version: "0.39.0",
		channels: Uint8Array.of(0x20),
		moniker: "node",
		other: { txIndex: "on", rpcAddress: "" },
	};
}

interface Meeting {
	readonly world: MemoryWorld;
	readonly upgrade: Upgrade;
	readonly outcomes: (Upgraded | Error)[];
	/** The other side, which says what the test wants. */
	readonly stranger: SecretConnection;
}

/** Our upgrade meets a stranger whose secret connection is right. */
async function meet(change: Partial<UpgradeOptions> = {}): Promise<Meeting> {
	const world = memoryWorld({ seed: "ours", ip: "10.0.0.1" });
	const other = memoryWorld({ seed: "theirs", ip: "10.0.0.2", time: world.time, net: world.net });
	const outcomes: (Upgraded | Error)[] = [];
	const accepted = new Promise<Connection>((resolve) => void world.network.listen("tcp://10.0.0.1:1", resolve));
	const stranger = new SecretConnection(await other.network.dial("tcp://10.0.0.1:1", 1000), {
		privateKey: THEIRS.privateKey,
		world: other,
	});
	const options = {
		nodeKey: OURS,
		nodeInfo: infoOf(OURS),
		handshakeTimeoutMs: 20_000,
		world,
		expectedId: undefined,
		checkIdentity: () => undefined,
		...change,
	};
	const upgrade = new Upgrade(await accepted, options, (outcome) => outcomes.push(outcome));
	assert.equal(upgrade.progress, 0);
	await settle();
	return { world, upgrade, outcomes, stranger };
}

function codeOf({ outcomes }: Meeting): string {
	assert.equal(outcomes.length, 1);
	const [error] = outcomes;
	assert.ok(error instanceof CairnError);
	return error.code;
}

describe("upgrade", () => {
	it("knows the other node, and keeps what it says too early", async () => {
		const meeting = await meet();
		assert.deepEqual([meeting.upgrade.progress, meeting.upgrade.provenId], [2, THEIRS.id]);
		const early = Uint8Array.of(1, 2, 3);
		meeting.stranger.write(concatBytes(encodeNodeInfoDelimited(infoOf(THEIRS)), early));
		await settle();
		const [outcome] = meeting.outcomes;
		assert.ok(outcome !== undefined && !(outcome instanceof Error));
		assert.deepEqual([outcome.id, outcome.nodeInfo.moniker], [THEIRS.id, "node"]);
		assert.deepEqual(meeting.upgrade.takeEarlyBytes(), early);
		assert.equal(meeting.upgrade.takeEarlyBytes().length, 0);
		meeting.stranger.write(early);
		await settle();
		assert.equal(meeting.upgrade.takeEarlyBytes().length, 0, "the connection is paused");
	});

	it("refuses a node that gives itself another id", async () => {
		const meeting = await meet();
		meeting.stranger.write(encodeNodeInfoDelimited(infoOf(OURS)));
		await settle();
		assert.equal(codeOf(meeting), "p2p-wrong-id");
	});

	it("says nothing about us to a node that was refused by its identity", async () => {
		const refusal = new CairnError("p2p-banned", "peer", "no");
		const received: Uint8Array[] = [];
		const meeting = await meet({
			checkIdentity: () => {
				throw refusal;
			},
		});
		meeting.stranger.onData = (bytes) => received.push(bytes);
		await settle();
		assert.deepEqual(meeting.outcomes, [refusal]);
		assert.deepEqual(received, []);
		assert.ok(meeting.upgrade.isClosed);
	});

	it("refuses node info that is too long before it has come", async () => {
		const meeting = await meet();
		meeting.stranger.write(Uint8Array.of(0x81, 0x50));
		await settle();
		assert.equal(codeOf(meeting), "p2p-bad-node-info");
	});

	it("waits for node info only so long", async () => {
		const meeting = await meet();
		await meeting.world.time.advance(19_999);
		assert.deepEqual(meeting.outcomes, []);
		await meeting.world.time.advance(1);
		assert.equal(codeOf(meeting), "p2p-handshake-timeout");
	});

	it("reports an end before the node info", async () => {
		const meeting = await meet();
		meeting.stranger.destroy();
		await settle();
		assert.equal(codeOf(meeting), "p2p-closed");
		meeting.upgrade.abort(new Error("late"));
		assert.equal(meeting.outcomes.length, 1);
	});
});
