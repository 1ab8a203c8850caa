import { generatePrivateKey } from "@cairn/crypto";
import { CairnError, type Connection, type Counter, type Gauge, type Labels, type Metrics, utf8 } from "@cairn/kit";
import { ManualTime, MemoryNetwork, type MemoryWorld, memoryWorld, settle } from "@cairn/world";
import type { NodeInfo } from "./node-info.ts";
import { type NodeKey, nodeKeyOf } from "./node-key.ts";
import type { ChannelDescriptor, ChannelHandler, Peer } from "./peer.ts";
import { Switchboard } from "./switchboard.ts";
import { DEFAULT_SWITCHBOARD_OPTIONS, type SwitchboardOptions } from "./switchboard-options.ts";

export const CHANNEL: ChannelDescriptor = {
	id: 0x20,
	name: "test",
	priority: 5,
	sendQueueCapacity: 100,
	sendQueueBytes: 1_000_000,
	receiveMessageCapacity: 200_000,
};

/** Notes everything that it is told. */
export class RecordingHandler implements ChannelHandler {
	readonly name = "RECORDER";
	readonly channels: readonly ChannelDescriptor[];
	readonly events: string[] = [];
	readonly received: { peer: Peer; channelId: number; message: Uint8Array }[] = [];
	readonly removed: { peer: Peer; reason: string }[] = [];
	drainedCount = 0;
	onReceive: (peer: Peer, message: Uint8Array) => void = () => undefined;

	constructor(channels: readonly ChannelDescriptor[] = [CHANNEL]) {
		this.channels = channels;
	}

	addPeer(peer: Peer): void {
		this.events.push(`add ${peer.id}`);
	}

	removePeer(peer: Peer, reason: string): void {
		this.events.push(`remove ${peer.id}`);
		this.removed.push({ peer, reason });
	}

	receive(peer: Peer, channelId: number, message: Uint8Array): void {
		this.events.push(`receive ${peer.id}`);
		this.received.push({ peer, channelId, message });
		this.onReceive(peer, message);
	}

	drained(): void {
		this.drainedCount++;
	}

	messageType(): string {
		return "test_Message";
	}
}

export interface TestNode {
	readonly world: MemoryWorld;
	readonly key: NodeKey;
	readonly info: NodeInfo;
	readonly handler: RecordingHandler;
	readonly board: Switchboard;
	readonly fatal: unknown[];
	/** Values of metrics by name and labels, as `p2p_x{a=1}`. */
	readonly metrics: Map<string, number>;
	readonly logs: string[];
	/** `id@ip:port`. */
	readonly address: string;
	/** When each dial began (milliseconds), and to where. */
	readonly dials: { readonly at: number; readonly to: string }[];
}

export interface TestNodeChange {
	readonly options?: Partial<SwitchboardOptions>;
	readonly info?: Partial<NodeInfo>;
	readonly handler?: RecordingHandler;
	/** Makes the key; its own for each node if not given. */
	readonly seed?: number;
}

/** A network of nodes that share time. */
export class TestNetwork {
	readonly time = new ManualTime();
	readonly net: MemoryNetwork;
	#count = 0;

	/** `delayMs`: how long bytes travel. */
	constructor(delayMs = 0) {
		this.net = new MemoryNetwork({ time: this.time, delay: () => delayMs });
	}

	/** A machine without a node. */
	machine(ip: string): MemoryWorld {
		return memoryWorld({ seed: ip, ip, time: this.time, net: this.net });
	}

	/** A node at `ip`, not started. */
	node(ip: string, change: TestNodeChange = {}): TestNode {
		const world = this.machine(ip);
		const key = nodeKeyOf(generatePrivateKey("ed25519", new Uint8Array(32).fill(change.seed ?? ++this.#count)));
		const handler = change.handler ?? new RecordingHandler();
		const info: NodeInfo = {
			protocolVersion: { p2p: 8n, block: 11n, app: 1n },
			id: key.id,
			listenAddress: `tcp://${ip}:26656`,
			network: "test-chain",
			version: "0.39.0",
			channels: Uint8Array.from(handler.channels.map((channel) => channel.id)),
			moniker: `node at ${ip}`,
			other: { txIndex: "on", rpcAddress: "" },
			...change.info,
		};
		const fatal: unknown[] = [];
		const metrics = new Map<string, number>();
		const logs: string[] = [];
		const dials: { at: number; to: string }[] = [];
		const network = {
			...world.network,
			dial: (address: string, timeoutMs: number): Promise<Connection> => {
				dials.push({ at: this.time.mono(), to: address });
				return world.network.dial(address, timeoutMs);
			},
		};
		const options: SwitchboardOptions = {
			...DEFAULT_SWITCHBOARD_OPTIONS,
			listenAddress: `tcp://${ip}:26656`,
			dialJitterMs: 0,
			connection: { ...DEFAULT_SWITCHBOARD_OPTIONS.connection, sendRate: 0, recvRate: 0 },
			...change.options,
		};
		const log = (message: string): number => logs.push(message);
		const logger = { error: log, warn: log, info: log, debug: log, child: () => logger };
		const board = new Switchboard(options, {
			world: { clock: world.clock, timers: world.timers, random: world.random, network },
			nodeKey: key,
			nodeInfo: info,
			handlers: [handler],
			logger,
			metrics: recordingMetrics(metrics),
			onFatal: (error) => fatal.push(error),
		});
		return { world, key, info, handler, board, fatal, metrics, logs, dials, address: `${key.id}@${ip}:26656` };
	}

	/** As `node`, started. */
	async started(ip: string, change: TestNodeChange = {}): Promise<TestNode> {
		const node = this.node(ip, change);
		await node.board.start();
		return node;
	}

	/** Lets everything happen that happens by itself, and all that is due now; time stands still. */
	async rest(): Promise<void> {
		for (let i = 0; i < 10; i++) {
			await this.time.advance(0);
			await settle();
		}
	}
}

function recordingMetrics(values: Map<string, number>): Metrics {
	const series = (name: string): Counter & Gauge => {
		const key = (labels: Labels = {}): string => {
			const pairs = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
			return pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
		};
		return {
			add: (by, labels) => void values.set(key(labels), (values.get(key(labels)) ?? 0) + by),
			set: (value, labels) => void values.set(key(labels), value),
		};
	};
	return { counter: series, gauge: series, histogram: () => ({ observe: () => undefined }) };
}

/** What a handler throws when a peer sent nonsense. */
export function nonsense(): CairnError {
	return new CairnError("nonsense", "peer", "that is nonsense");
}

export const HELLO: Uint8Array = utf8("hello");
