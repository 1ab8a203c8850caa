import { CairnError } from "@cairn/kit";
import { BLOCK_PROTOCOL } from "./limits.ts";
import type { ConsensusEngineChoice } from "./model.ts";

/**
 * The block protocol number that headers and handshakes of a chain carry. CometBFT's own is for the chains that its
 * nodes can follow; every other engine has one that makes them refuse the handshake, since they ignore what genesis
 * says.
 * @throws CairnError `unknown-consensus-engine`
 */
export function blockProtocolOf({ name, rules }: ConsensusEngineChoice): bigint {
	const key = name === "tendermint" ? `${name} ${rules}` : name;
	const number = PROTOCOLS.get(key);
	if (number === undefined || (name !== "tendermint" && rules !== "")) {
		throw new CairnError(
			"unknown-consensus-engine",
			"operator",
			`genesis: consensus_engine ${JSON.stringify({ name, rules })} is not known here; ` +
				`there are ${[...PROTOCOLS.keys()].join(", ")}`,
			{ name, rules },
		);
	}
	return number;
}

const PROTOCOLS: ReadonlyMap<string, bigint> = new Map([
	["tendermint v0.40", BLOCK_PROTOCOL],
	["tendermint paper", 1011n],
	["pbft", 1012n],
	["hotstuff", 1013n],
	["jolteon", 1014n],
]);
