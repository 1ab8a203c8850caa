import { generatePrivateKey } from "@cairn/crypto";
import type { Connection, World } from "@cairn/kit";
import {
	type ChannelDescriptor,
	type ChannelHandler,
	DEFAULT_MCONNECTION_OPTIONS,
	DEFAULT_SWITCHBOARD_OPTIONS,
	nodeKeyOf,
	type Peer,
	parsePeerAddress,
	SecretConnection,
	Switchboard,
} from "@cairn/network";
import { realWorld } from "@cairn/world";

// Throughput of secret connections and of two switchboards over loopback, both ends in this one process and thread:
// node bench/dist/connections.js. A node has only one of the two ends, so it has about twice these figures.

const FRAME_DATA = 1024;
const MEASURE_MS = 1000;

/** Both ends of a connection that delivers within the call. */
class Pipe implements Connection {
	readonly remoteAddress = "127.0.0.1:1";
	readonly localAddress = "127.0.0.1:2";
	readonly pendingBytes = 0;
	other: Pipe | undefined;
	onDrain: () => void = () => undefined;
	onClose: (error: Error | undefined) => void = () => undefined;
	#onData: ((bytes: Uint8Array) => void) | undefined;
	#early: Uint8Array[] = [];

	get onData(): (bytes: Uint8Array) => void {
		return this.#onData ?? (() => undefined);
	}

	set onData(call: (bytes: Uint8Array) => void) {
		this.#onData = call;
		const early = this.#early;
		this.#early = [];
		for (const bytes of early) call(bytes);
	}

	receive(bytes: Uint8Array): void {
		if (this.#onData === undefined) this.#early.push(bytes);
		else this.#onData(bytes);
	}

	write(bytes: Uint8Array): boolean {
		this.other?.receive(bytes);
		return true;
	}

	pause(): void {}
	resume(): void {}
	end(): void {}
	destroy(): void {}
}

/** Two secret connections that have made their handshake when this returns; the first has reported it to `onOpen`. */
function secretPair(world: World, onOpen: () => void): [SecretConnection, SecretConnection] {
	const [near, far] = [new Pipe(), new Pipe()];
	near.other = far;
	far.other = near;
	const connect = (pipe: Pipe): SecretConnection =>
		new SecretConnection(pipe, { privateKey: generatePrivateKey("ed25519", world.random.bytes(32)), world });
	const first = connect(near);
	first.onOpen = onOpen;
	return [first, connect(far)];
}

function line(name: string, ...figures: readonly string[]): void {
	console.log(name.padEnd(46) + figures.map((figure) => figure.padStart(20)).join(""));
}

function count(value: number): string {
	return Math.round(value).toLocaleString("en-US");
}

/** CPU time that this process has used since `start`, in microseconds for each of `times`. */
function costOf(start: NodeJS.CpuUsage, times: number): string {
	const used = process.cpuUsage(start);
	return `${((used.user + used.system) / times).toFixed(2)} µs CPU each`;
}

function benchHandshakes(world: World): void {
	const [start, cpu] = [performance.now(), process.cpuUsage()];
	let done = 0;
	while (performance.now() - start < MEASURE_MS) secretPair(world, () => done++);
	const seconds = (performance.now() - start) / 1000;
	line("handshakes, both sides", `${count(done / seconds)} /s`, "", costOf(cpu, done));
}

function benchFrames(world: World, size: number): void {
	const [first, second] = secretPair(world, () => undefined);
	let received = 0;
	second.onData = (bytes) => {
		received += bytes.length;
	};
	const bytes = new Uint8Array(size).fill(7);
	for (let i = 0; i < 200; i++) first.write(bytes);
	received = 0;
	let frames = 0;
	const [start, cpu] = [performance.now(), process.cpuUsage()];
	while (performance.now() - start < MEASURE_MS) {
		for (let i = 0; i < 20; i++) first.write(bytes);
		frames += 20 * Math.ceil(size / FRAME_DATA);
	}
	const seconds = (performance.now() - start) / 1000;
	const speed = received / seconds / 1e6;
	const name = `frames, writes of ${count(size)} bytes`;
	line(name, `${count(frames / seconds)} /s`, `${speed.toFixed(1)} MB/s`, costOf(cpu, frames));
}

const CHANNEL: ChannelDescriptor = {
	id: 0x20,
	name: "bench",
	priority: 5,
	sendQueueCapacity: 1000,
	sendQueueBytes: 8_000_000,
	receiveMessageCapacity: 8_000_000,
};

/** Sends as long as there is room, again when there is room again. */
class Flood implements ChannelHandler {
	readonly name = "FLOOD";
	readonly channels = [CHANNEL];
	message: Uint8Array | undefined;
	messages = 0;
	bytes = 0;

	addPeer(): void {}
	removePeer(): void {}

	receive(_peer: Peer, _channelId: number, message: Uint8Array): void {
		this.messages++;
		this.bytes += message.length;
	}

	drained(peer: Peer): void {
		const message = this.message;
		if (message === undefined) return;
		while (peer.send(CHANNEL.id, message));
	}
}

async function startBoard(world: World, payload: number, handler: ChannelHandler): Promise<[Switchboard, string]> {
	const nodeKey = nodeKeyOf(generatePrivateKey("ed25519", world.random.bytes(32)));
	const board = new Switchboard(
		{
			...DEFAULT_SWITCHBOARD_OPTIONS,
			listenAddress: "tcp://127.0.0.1:0",
			connection: { ...DEFAULT_MCONNECTION_OPTIONS, sendRate: 0, recvRate: 0, maxPacketMsgPayloadSize: payload },
		},
		{
			world,
			nodeKey,
			nodeInfo: {
				protocolVersion: { p2p: 8n, block: 11n, app: 0n },
				id: nodeKey.id,
				listenAddress: "tcp://127.0.0.1:1",
				network: "bench",
				version: "0.39.0",
				channels: Uint8Array.of(CHANNEL.id),
				moniker: "bench",
				other: { txIndex: "off", rpcAddress: "" },
			},
			handlers: [handler],
		},
	);
	await board.start();
	return [board, `${nodeKey.id}@${board.listenAddress}`];
}

async function benchSwitchboards(world: World, payload: number, size: number): Promise<void> {
	const [source, sink] = [new Flood(), new Flood()];
	const [near] = await startBoard(world, payload, source);
	const [far, address] = await startBoard(world, payload, sink);
	const peer = await near.dialPeer(parsePeerAddress(address));
	const wait = (ms: number): Promise<void> => new Promise((resolve) => void world.timers.after(ms, resolve));
	source.message = new Uint8Array(size).fill(7);
	source.drained(peer);
	await wait(300);
	const [messages, bytes, start] = [sink.messages, sink.bytes, performance.now()];
	const cpu = process.cpuUsage();
	await wait(MEASURE_MS);
	const seconds = (performance.now() - start) / 1000;
	const perSecond = (sink.messages - messages) / seconds;
	const speed = (sink.bytes - bytes) / seconds / 1e6;
	line(
		`messages of ${count(size)} bytes, packets of ${count(payload)}`,
		`${count(perSecond)} /s`,
		`${speed.toFixed(1)} MB/s`,
		costOf(cpu, sink.messages - messages),
	);
	source.message = undefined;
	await Promise.all([near.stop(), far.stop()]);
}

const world = realWorld();
benchHandshakes(world);
for (const size of [100, 1024, 65_536]) benchFrames(world, size);
for (const payload of [1024, 65_000]) {
	for (const size of [32, 200, 1024, 65_536, 1_048_576]) await benchSwitchboards(world, payload, size);
}
