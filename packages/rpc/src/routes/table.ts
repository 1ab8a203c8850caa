import { APPLICATION_ROUTES } from "./application.ts";
import { BLOCK_ROUTES } from "./blocks.ts";
import { CONSENSUS_ROUTES } from "./consensus.ts";
import { EVENT_ROUTES } from "./events.ts";
import { EVIDENCE_ROUTES } from "./evidence.ts";
import { GENESIS_ROUTES } from "./genesis.ts";
import { NETWORK_ROUTES } from "./network.ts";
import type { Route } from "./route.ts";
import { SEARCH_ROUTES } from "./search.ts";
import { STATUS_ROUTES } from "./status.ts";
import { TX_ROUTES } from "./transactions.ts";

/** Every route of CometBFT v0.40 (rpc/core/routes.go). */
export const ROUTES: readonly Route[] = [
	...EVENT_ROUTES,
	...STATUS_ROUTES,
	...NETWORK_ROUTES,
	...GENESIS_ROUTES,
	...BLOCK_ROUTES,
	...SEARCH_ROUTES,
	...CONSENSUS_ROUTES,
	...TX_ROUTES,
	...APPLICATION_ROUTES,
	...EVIDENCE_ROUTES,
];

/** The routes to offer, by name. @param unsafe `rpc.unsafe` */
export function routeTable(unsafe: boolean): ReadonlyMap<string, Route> {
	return new Map(ROUTES.filter((each) => unsafe || !each.unsafe).map((each) => [each.name, each]));
}
