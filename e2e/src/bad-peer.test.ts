// A peer that does everything wrong, at every depth of the protocol: it is disconnected with a reason in the log, honest
// peers stay, the chain goes on, and memory stays bounded.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { sign } from "@cairn/crypto";
import { EMPTY_BYTES } from "@cairn/kit";
import type { NodeInfo } from "@cairn/network";
import {
	type BlockId,
	type ChainState,
	type Part,
	PartSet,
	PRECOMMIT,
	PREVOTE,
	type Proposal,
	proposalSignBytes,
	type Vote,
} from "@cairn/types";
import { blocksync, consensus, encodeDelimited, google, mempool } from "@cairn/types/proto";
import { TestNetwork, type TestNode } from "./harness/network.ts";
import { CAIRN } from "./harness/programs.ts";
import { kvstoreGenesis, proposerAt, validatorAddress, validatorKey } from "./harness/puppet.ts";
import { Chance } from "./harness/random.ts";
import { type Depth, RawPeer } from "./harness/raw-peer.ts";
import { until } from "./harness/rpc.ts";
import { requireNoFailure } from "./harness/watch.ts";

const FAST = [
	["", "log_level", '"p2p:debug,*:info"'],
	["consensus", "timeout_propose", '"300ms"'],
	["consensus", "timeout_prevote", '"100ms"'],
	["consensus", "timeout_precommit", '"100ms"'],
	["consensus", "timeout_commit", '"50ms"'],
	["consensus", "peer_gossip_sleep_duration", '"10ms"'],
	["mempool", "size", "1000"],
] as const;

const STATE = 0x20;
const DATA = 0x21;
const VOTE = 0x22;
const BITS = 0x23;
const MEMPOOL = 0x30;
const EVIDENCE = 0x38;
const BLOCKSYNC = 0x40;
/** All that a node may take while strangers do their worst. */
const MOST_RESIDENT_BYTES = 600_000_000;
const HALF_OPEN = 400;
const REFUSED = /Inbound Peer rejected|Stopping peer/;

const chance = new Chance("bad-peer");
let network: TestNetwork;
let victim: TestNode;
let genesis: ChainState;
/** A validator of the chain whose node never runs: its key is in the hands of the bad peer. */
let traitor: TestNode;

interface Misdeed {
	readonly what: string;
	readonly depth: Depth;
	/** What the node has to say about it. */
	readonly reason: RegExp;
	/** Called again and again until the node has had enough. */
	readonly act: (peer: RawPeer, turn: number) => void | Promise<void>;
}

/** Height and round where the node stands, as it has told this peer. */
function placeOf(peer: RawPeer): { height: number; round: number } {
	const step = peer.received.findLast((message) => message.kind === "newRoundStep");
	return step?.kind === "newRoundStep" ? step : { height: 1, round: 0 };
}

function voteAt(peer: RawPeer, change: Partial<Vote> = {}): Vote {
	const { validators } = genesis;
	const index = validators.getByAddress(validatorAddress(traitor.home))?.index ?? 0;
	return {
		type: PREVOTE,
		...placeOf(peer),
		blockId: { hash: chance.bytes(32), partSetHeader: { total: 1, hash: chance.bytes(32) } },
		timestamp: BigInt(Date.now()) * 1_000_000n,
		validatorAddress: validators.validators[index]?.address ?? EMPTY_BYTES,
		validatorIndex: index,
		signature: chance.bytes(64),
		extension: EMPTY_BYTES,
		extensionSignature: EMPTY_BYTES,
		...change,
	};
}

/** A proposal of the traitor's, properly signed, if it is its turn where the node stands. */
function proposalAt(peer: RawPeer, blockId: BlockId): Proposal | null {
	const { height, round } = placeOf(peer);
	const isTurn = Buffer.compare(proposerAt(genesis, height, round), validatorAddress(traitor.home)) === 0;
	if (!isTurn) return null;
	const timestamp = BigInt(Date.now()) * 1_000_000n;
	const unsigned: Proposal = { height, round, polRound: -1, blockId, timestamp, signature: EMPTY_BYTES };
	return { ...unsigned, signature: sign(validatorKey(traitor.home), proposalSignBytes(genesis.chainId, unsigned)) };
}

const garbage = (): Uint8Array => chance.bytes(chance.between(1, 3_000));
const infoWith = (change: Partial<NodeInfo>) => (peer: RawPeer) =>
	peer.introduce({ ...peer.info(genesis.chainId), ...change });

const BEFORE_HANDSHAKE: readonly Misdeed[] = [
	{
		what: "garbage",
		depth: "connected",
		reason: /Inbound Peer rejected/,
		act: (peer) => peer.writePlain(Uint8Array.of(0xff, ...garbage())),
	},
	{
		what: "a request for a web page",
		depth: "connected",
		reason: /Inbound Peer rejected/,
		act: (peer) => peer.writePlain(Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")),
	},
	{
		what: "an ephemeral key that is too short",
		depth: "connected",
		reason: /Inbound Peer rejected.*ephemeral key of 31 bytes/,
		act: (peer) => peer.writePlain(encodeDelimited(google.BytesValue.encode({ value: new Uint8Array(31) }))),
	},
	{
		what: "an ephemeral key of low order",
		depth: "connected",
		reason: /Inbound Peer rejected/,
		act: (peer) => peer.writePlain(encodeDelimited(google.BytesValue.encode({ value: new Uint8Array(32) }))),
	},
	{
		what: "garbage in place of the proof of identity",
		depth: "connected",
		reason: /Inbound Peer rejected/,
		act: (peer, turn) => {
			if (turn === 0) peer.writePlain(encodeDelimited(google.BytesValue.encode({ value: chance.bytes(32) })));
			else peer.writePlain(chance.bytes(1_044));
		},
	},
];

const INTRODUCTIONS: readonly Misdeed[] = [
	{
		what: "another chain id",
		depth: "proven",
		reason: /different network/,
		act: infoWith({ network: "another-chain" }),
	},
	{
		what: "another block protocol",
		depth: "proven",
		reason: /different Block version/,
		act: infoWith({ protocolVersion: { p2p: 8n, block: 12n, app: 1n } }),
	},
	{
		what: "the id of somebody else",
		depth: "proven",
		reason: /NodeInfo\.ID .* mismatch/,
		act: infoWith({ id: "a".repeat(40) }),
	},
	{
		what: "no common channel",
		depth: "proven",
		reason: /no common channels/,
		act: infoWith({ channels: Uint8Array.of(0x77) }),
	},
	{
		what: "too many channels",
		depth: "proven",
		reason: /invalid NodeInfo/,
		act: infoWith({ channels: Uint8Array.from({ length: 17 }, (_, i) => i) }),
	},
	{
		what: "a moniker of control characters",
		depth: "proven",
		reason: /invalid NodeInfo/,
		act: infoWith({ moniker: "\u0000\n" }),
	},
	{
		what: "a node info without end",
		depth: "proven",
		reason: /Inbound Peer rejected/,
		act: (peer) => void peer.write(Uint8Array.of(0xff, 0xff, 0x03, ...garbage())),
	},
	{
		what: "a node info that is garbage",
		depth: "proven",
		reason: /node info does not decode/,
		act: (peer) => void peer.write(encodeDelimited(Uint8Array.of(0x0a, 0x7f))),
	},
	{
		what: "bytes that nobody encrypted",
		depth: "proven",
		reason: /Inbound Peer rejected/,
		act: (peer) => peer.writePlain(chance.bytes(1_044)),
	},
];

const PACKETS: readonly Misdeed[] = [
	{ what: "garbage for packets", depth: "introduced", reason: /packet/, act: (peer) => void peer.write(garbage()) },
	{
		what: "bytes that nobody encrypted",
		depth: "introduced",
		reason: /a frame does not open/,
		act: (peer) => peer.writePlain(chance.bytes(1_044)),
	},
	{
		what: "a packet larger than any may be",
		depth: "introduced",
		reason: /exceeds 1\d\d\d bytes/,
		act: (peer) => void peer.write(Uint8Array.of(0x80, 0x10, ...chance.bytes(2_048))),
	},
	{
		what: "a channel that does not exist",
		depth: "introduced",
		reason: /unknown channel/,
		act: (peer) => void peer.message(0x99, garbage()),
	},
	{
		what: "a message that never ends",
		depth: "introduced",
		reason: /exceeds|too much memory/,
		act: (peer) => {
			// Packets of the state channel without the mark of the last one.
			for (let count = 0; count < 200; count++)
				peer.write(Uint8Array.of(0x87, 0x08, 0x1a, 0x84, 0x08, 0x08, 0x20, 0x1a, 0xff, 0x07, ...new Uint8Array(1_023)));
		},
	},
];

const EVERY_CHANNEL: readonly Misdeed[] = [STATE, DATA, VOTE, BITS, MEMPOOL, EVIDENCE, BLOCKSYNC].map((channel) => ({
	what: `an undecodable message on channel 0x${channel.toString(16)}`,
	depth: "introduced",
	reason: /Stopping peer/,
	act: (peer) => void peer.message(channel, Uint8Array.of(0x0a, 0xff, ...garbage())),
}));

const proto = (sum: consensus.Message["sum"]): Uint8Array => consensus.Message.encode({ sum });
const step = (value: Partial<consensus.NewRoundStep>): Uint8Array => {
	return proto({
		kind: "newRoundStep",
		value: { height: 5n, round: 0, step: 1, secondsSinceStartTime: 0n, lastCommitRound: 0, ...value },
	});
};
const bits = (count: bigint, elems: readonly bigint[] = []) => ({ bits: count, elems });

const CONSENSUS: readonly Misdeed[] = [
	{
		what: "a negative height",
		depth: "introduced",
		reason: /negative height/i,
		act: (peer) => void peer.message(STATE, step({ height: -5n })),
	},
	{
		what: "a negative round",
		depth: "introduced",
		reason: /negative round/i,
		act: (peer) => void peer.message(STATE, step({ round: -5 })),
	},
	{
		what: "a step that does not exist",
		depth: "introduced",
		reason: /invalid step/i,
		act: (peer) => void peer.message(STATE, step({ step: 99 })),
	},
	{
		what: "bits of more parts than a block has",
		depth: "introduced",
		reason: /parts|bits/i,
		act: (peer) => {
			const blockPartSetHeader = { total: 200_000, hash: chance.bytes(32) };
			const blockParts = bits(200_000n, new Array<bigint>(3_125).fill(1n));
			peer.message(
				STATE,
				proto({
					kind: "newValidBlock",
					value: { height: 5n, round: 0, blockPartSetHeader, blockParts, isCommit: false },
				}),
			);
		},
	},
	{
		what: "bits without number",
		depth: "introduced",
		reason: /bit/i,
		act: (peer) =>
			void peer.message(
				DATA,
				proto({ kind: "proposalPol", value: { height: 5n, proposalPolRound: 0, proposalPol: bits(2n ** 62n) } }),
			),
	},
	{
		what: "bits of more votes than there can be",
		depth: "introduced",
		reason: /bits of too many votes/,
		act: (peer) => {
			const votes = bits(64_000n, new Array<bigint>(1_000).fill(2n ** 64n - 1n));
			const blockId = { hash: chance.bytes(32), partSetHeader: { total: 1, hash: chance.bytes(32) } };
			peer.message(
				BITS,
				proto({ kind: "voteSetBits", value: { height: 5n, round: 0, type: PREVOTE, blockId, votes } }),
			);
		},
	},
	{
		what: "votes with false signatures",
		depth: "introduced",
		reason: /invalid signature on vote/,
		act: (peer) => void peer.consensus(VOTE, { kind: "vote", vote: voteAt(peer) }),
	},
	{
		what: "votes in the name of a stranger",
		depth: "introduced",
		reason: /address and index of a vote differ/,
		act: (peer) =>
			void peer.consensus(VOTE, { kind: "vote", vote: voteAt(peer, { validatorAddress: chance.bytes(20) }) }),
	},
	{
		what: "votes of a validator that does not exist",
		depth: "introduced",
		reason: /unknown validator/,
		act: (peer) => void peer.consensus(VOTE, { kind: "vote", vote: voteAt(peer, { validatorIndex: 77 }) }),
	},
	{
		what: "votes with extensions that nobody asked for",
		depth: "introduced",
		reason: /extension/,
		act: (peer) =>
			void peer.consensus(VOTE, { kind: "vote", vote: voteAt(peer, { type: PRECOMMIT, extension: chance.bytes(9) }) }),
	},
	{
		what: "proposals with false signatures",
		depth: "introduced",
		reason: /invalid signature on proposal/,
		act: (peer) => {
			const proposal = proposalAt(peer, voteAt(peer).blockId);
			if (proposal !== null)
				peer.consensus(DATA, { kind: "proposal", proposal: { ...proposal, signature: chance.bytes(64) } });
		},
	},
	{
		what: "parts that do not belong to the block that it proposed",
		depth: "introduced",
		reason: /proof|root|leaf/i,
		act: (peer) => {
			const parts = PartSet.fromBytes(chance.bytes(100_000));
			const proposal = proposalAt(peer, { hash: chance.bytes(32), partSetHeader: parts.header });
			if (proposal === null) return;
			const { height, round } = proposal;
			peer.consensus(DATA, { kind: "proposal", proposal });
			const honest = parts.getPart(0) as Part;
			const forged: Part = { ...honest, bytes: honest.bytes.map((byte) => byte ^ 1) };
			peer.consensus(DATA, { kind: "part", height, round, part: forged });
		},
	},
	{
		what: "two claims of a majority",
		depth: "introduced",
		reason: /second claim of a majority|conflicting/i,
		act: (peer) => {
			const { height, round } = placeOf(peer);
			for (let count = 0; count < 2; count++) {
				peer.consensus(STATE, { kind: "voteSetMaj23", height, round, type: PREVOTE, blockId: voteAt(peer).blockId });
			}
		},
	},
];

const OTHERS: readonly Misdeed[] = [
	{
		what: "empty transactions",
		depth: "introduced",
		reason: /empty transaction/,
		act: (peer) =>
			void peer.message(MEMPOOL, mempool.Message.encode({ sum: { kind: "txs", value: { txs: [new Uint8Array(0)] } } })),
	},
	{
		what: "blocks that nobody asked for",
		depth: "introduced",
		reason: /Stopping peer/,
		act: (peer) => void peer.message(BLOCKSYNC, Uint8Array.of(0x1a, 0x04, 0x0a, 0x02, 0x0a, 0xff)),
	},
	{
		what: "a block request below zero",
		depth: "introduced",
		reason: /height/i,
		act: (peer) =>
			void peer.message(BLOCKSYNC, blocksync.Message.encode({ sum: { kind: "blockRequest", value: { height: -1n } } })),
	},
];

function residentBytes(node: TestNode): number {
	const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${node.pid}/status`, "utf8"));
	return Number(found?.[1] ?? 0) * 1024;
}

interface NetInfo {
	readonly peers: readonly { readonly node_info: { readonly id: string } }[];
}

/** The chain goes on, the honest peers are still there, and memory is bounded. */
async function requireHealth(): Promise<void> {
	await victim.reach((await victim.height()) + 2);
	const { peers } = await victim.call<NetInfo>("net_info");
	const ids = peers.map((peer) => peer.node_info.id);
	for (const honest of [network.node(1), network.node(2)]) assert.ok(ids.includes(honest.id), `${honest.name} is gone`);
	assert.ok(residentBytes(victim) < MOST_RESIDENT_BYTES, `${residentBytes(victim)} bytes are in memory`);
	requireNoFailure(victim);
	for (const line of victim.log().split("\n")) assert.doesNotMatch(line, /^E.*(unhandled|uncaught)/i);
}

/** Does it until the node ends the connection, and looks up what the node has to say. */
async function requireRefusal({ depth, reason, act }: Misdeed): Promise<void> {
	const logged = victim.log().length;
	const peer = await RawPeer.connect(victim, chance.bytes(32), depth, genesis.chainId);
	try {
		for (let turn = 0; !peer.ended && turn < 2_000; turn++) {
			await act(peer, turn);
			await new Promise((resolve) => setTimeout(resolve, 10));
		}
		await peer.gone(10_000);
		await until(`the log says ${reason}`, 10_000, async () => {
			const lines = victim.log().slice(logged).split("\n");
			return lines.some((line) => reason.test(line) && REFUSED.test(line)) || undefined;
		});
	} catch (cause) {
		throw new Error(`${String(cause)}\n${victim.log().slice(logged, logged + 5_000)}`, { cause });
	} finally {
		peer.close();
	}
}

/** Sends as fast as the node reads until it has made some more blocks, or has had enough. */
async function flood(peer: RawPeer, send: (peer: RawPeer, turn: number) => void): Promise<void> {
	const goal = (await victim.height()) + 3;
	let outcome: Error | "reached" | null = null;
	const done = victim.reach(goal, 120_000).then(
		() => {
			outcome = "reached";
		},
		(cause: Error) => {
			outcome = cause;
		},
	);
	for (let turn = 0; outcome === null && !peer.ended; turn++) {
		for (let count = 0; count < 100 && peer.pendingBytes < 1_000_000; count++) send(peer, turn * 100 + count);
		await new Promise((resolve) => setImmediate(resolve));
	}
	await done;
	assert.equal(outcome, "reached");
	peer.close();
}

describe(`a bad peer, ${chance.hint}`, () => {
	before(async () => {
		network = await TestNetwork.create({ programs: [CAIRN, CAIRN, CAIRN, CAIRN], keys: FAST });
		victim = network.node(0);
		traitor = network.node(3);
		genesis = kvstoreGenesis(victim.home);
		for (const node of network.nodes.slice(0, 3)) node.start();
		await network.reachAll(3);
	});
	after(() => network.destroy());

	for (const [group, misdeeds] of Object.entries({
		"before the handshake": BEFORE_HANDSHAKE,
		"at its introduction": INTRODUCTIONS,
		"in packets": PACKETS,
		"on every channel": EVERY_CHANNEL,
		"in consensus": CONSENSUS,
		elsewhere: OTHERS,
	})) {
		describe(`${group} is sent away for`, () => {
			for (const misdeed of misdeeds) it(misdeed.what, () => requireRefusal(misdeed));
			it("nothing else suffers", requireHealth);
		});
	}

	it("hundreds of half-open connections keep nobody out", async () => {
		const silent = await Promise.all(Array.from({ length: HALF_OPEN }, () => RawPeer.dial(victim, chance.bytes(32))));
		const polite = await RawPeer.connect(victim, chance.bytes(32), "introduced", genesis.chainId);
		assert.equal(polite.ended, false);
		await until("the newcomer hears of the chain", 20_000, async () => polite.received.length > 0 || undefined);
		await requireHealth();
		for (const peer of [...silent, polite]) peer.close();
		await requireHealth();
	});

	const floods: Readonly<Record<string, (peer: RawPeer, turn: number) => void>> = {
		pings: (peer) => void peer.write(Uint8Array.of(2, 0x0a, 0)),
		"news of votes": (peer, turn) =>
			void peer.consensus(STATE, { kind: "hasVote", ...placeOf(peer), type: PREVOTE, index: turn % 10_000 }),
		"steps back and forth": (peer, turn) =>
			void peer.message(STATE, step({ height: BigInt(5 + (turn % 1_000)), round: turn % 7 })),
		"votes of other heights": (peer, turn) =>
			void peer.consensus(VOTE, { kind: "vote", vote: voteAt(peer, { height: 1_000_000 + turn }) }),
		"votes of the next height": (peer) =>
			void peer.consensus(VOTE, { kind: "vote", vote: voteAt(peer, { height: placeOf(peer).height + 1 }) }),
		"large parts of other heights": (peer, turn) => {
			const part = LARGE.getPart(turn % LARGE.total) as Part;
			peer.consensus(DATA, { kind: "part", height: 1_000_000 + turn, round: 0, part });
		},
		"requests for blocks": (peer, turn) => {
			const value = { height: BigInt(1 + (turn % 5)) };
			peer.message(BLOCKSYNC, blocksync.Message.encode({ sum: { kind: "blockRequest", value } }));
		},
		"transactions that are refused": (peer) => {
			peer.message(MEMPOOL, mempool.Message.encode({ sum: { kind: "txs", value: { txs: [Buffer.alloc(100, "x")] } } }));
		},
		"transactions that are accepted": (peer, turn) => {
			const tx = Buffer.from(`flood-${turn}-${Buffer.from(chance.bytes(8)).toString("hex")}=1`);
			peer.message(MEMPOOL, mempool.Message.encode({ sum: { kind: "txs", value: { txs: [tx] } } }));
		},
	};
	for (const [what, send] of Object.entries(floods)) {
		it(`a flood of ${what} stops nothing`, async () => {
			await flood(await RawPeer.connect(victim, chance.bytes(32), "introduced", genesis.chainId), send);
			await requireHealth();
		});
	}
});

const LARGE = PartSet.fromBytes(new Uint8Array(1_000_000));
