import { CairnError } from "@cairn/kit";
import type { Height } from "@cairn/types";
import type { RpcEnvironment } from "../environment.ts";

/** The height asked for, or the latest. @throws CairnError `no-such-height` for one that is not here */
export function heightOf({ blockStore }: RpcEnvironment, latest: Height, wanted: bigint | null): Height {
	if (wanted === null) return latest;
	if (wanted <= 0n) throw noSuchHeight(`height must be greater than 0, but got ${wanted}`);
	if (wanted > BigInt(latest)) {
		throw noSuchHeight(`height ${wanted} must be less than or equal to the current blockchain height ${latest}`);
	}
	if (wanted < BigInt(blockStore.base)) {
		throw noSuchHeight(`height ${wanted} is not available, lowest height is ${blockStore.base}`);
	}
	return Number(wanted);
}

/** The height of which validators and parameters are known: that of the next block, unless blocks are being fetched. */
export function latestKnownHeight(environment: RpcEnvironment): Height {
	const { height } = environment.blockStore;
	return environment.isSyncing() ? height : height + 1;
}

function noSuchHeight(why: string): CairnError {
	return new CairnError("no-such-height", "peer", why);
}
