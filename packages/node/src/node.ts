import { dirname } from "node:path";
import { Wal } from "@cairn/storage";
import { openChain } from "./composition/chain-room.ts";
import { ConsensusRoom } from "./composition/consensus-room.ts";
import { type Foundation, layFoundation } from "./composition/foundation.ts";
import { Closers } from "./composition/life.ts";
import { NetworkRoom } from "./composition/network-room.ts";
import { RpcRoom } from "./composition/rpc-room.ts";
import { InputFile } from "./consensus/input-file.ts";
import type { RunningNode, StartNodeOptions } from "./running-node.ts";

/**
 * The whole node, wired by hand: stores and application, handshake, mempool, evidence and executor, consensus, gossip,
 * RPC. Each step registers how it is undone; a failure undoes what was done, in reverse. Nothing here touches the machine
 * but through `world`.
 */
export async function startNode(options: StartNodeOptions): Promise<RunningNode> {
	const closers = new Closers(options.logger);
	try {
		return await compose(await layFoundation(options, closers));
	} catch (cause) {
		await closers.closeAll();
		throw cause;
	}
}

async function compose(foundation: Foundation): Promise<RunningNode> {
	const { life, closers, logger, world, config, metricsAddress } = foundation;
	const rpc = new RpcRoom(foundation);
	await rpc.openIndex();
	closers.add("index", () => rpc.closeIndex());
	const chain = await openChain(foundation, (executed) => rpc.index(executed));
	const log = logger.child({ module: "consensus" });
	const wal = await Wal.open(world, config.paths.walFile, { logger: log });
	closers.add("consensus log", () => wal.close());
	const inputs = await InputFile.open(world.disk, `${dirname(config.paths.walFile)}/inputs`, log);
	closers.add("engine inputs", () => inputs.close());
	const room = new ConsensusRoom({
		...foundation,
		...chain,
		logger: log,
		blockStore: foundation.stores.blockStore,
		wal,
		inputs,
		onHalt: (what, cause) => life.halt(what, cause),
		onPeerFault: (peer, reason) => network.stopPeer(peer, reason),
	});
	closers.add("consensus", () => room.stop());
	const onFatal = (cause: unknown): void => life.halt("a message handler failed", cause);
	const network: NetworkRoom = await NetworkRoom.create({ ...foundation, ...chain, room, onFatal });
	closers.add("network", () => network.stop());
	await rpc.start({ ...chain, room, network });
	closers.add("rpc", () => rpc.stop());
	await network.start();
	life.onTune((changed) => room.tune(changed));
	return life.running({ rpc: rpc.address, p2p: network.address, metrics: metricsAddress, grpc: null });
}
