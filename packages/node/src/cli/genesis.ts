import { addressOf, type KeyType, type PublicKey } from "@cairn/crypto";
import { EMPTY_BYTES } from "@cairn/kit";
import {
	DEFAULT_CONSENSUS_ENGINE,
	defaultConsensusParams,
	type GenesisDoc,
	type GenesisValidator,
	type TimeNs,
	validateGenesis,
} from "@cairn/types";

/** A validator of a new chain. */
export function genesisValidator(publicKey: PublicKey, power: bigint, name: string): GenesisValidator {
	return { address: addressOf(publicKey), publicKey, power, name };
}

export interface NewChain {
	readonly chainId: string;
	readonly genesisTime: TimeNs;
	/** 0 stands for "the first height", as CometBFT writes it. */
	readonly initialHeight: number;
	readonly validators: readonly GenesisValidator[];
	readonly keyType: KeyType;
	/** JSON for the application's beginning; empty for none. */
	readonly appState: string;
}

/**
 * The genesis of a new chain with default parameters, which allow the validators' type of key. @throws ValidationError
 */
export function newGenesis(chain: NewChain): GenesisDoc {
	const { chainId, genesisTime, initialHeight, validators } = chain;
	const genesis: GenesisDoc = {
		chainId,
		genesisTime,
		initialHeight,
		validators,
		consensusParams: { ...defaultConsensusParams(), validator: { pubKeyTypes: [chain.keyType] } },
		appHash: EMPTY_BYTES,
		appState: chain.appState,
		consensusEngine: DEFAULT_CONSENSUS_ENGINE,
	};
	validateGenesis({ ...genesis, initialHeight: Math.max(initialHeight, 1) });
	return genesis;
}
