import type { Block, BlockId, BlockKey, Evidence, Header, Height, Round, Validator, Vote } from "@cairn/types";
import type { abci } from "@cairn/types/proto";

/** Everything a subscriber can hear of, by CometBFT's names (types/events.go). */
export type ChainEvent =
	| {
			readonly name: "NewBlock";
			readonly block: Block;
			readonly blockId: BlockId;
			readonly result: abci.ResponseFinalizeBlock;
	  }
	| { readonly name: "NewBlockHeader"; readonly header: Header }
	| {
			readonly name: "NewBlockEvents";
			readonly height: Height;
			readonly events: readonly abci.Event[];
			readonly numTxs: number;
	  }
	| { readonly name: "NewEvidence"; readonly evidence: Evidence; readonly height: Height }
	| {
			readonly name: "Tx";
			readonly height: Height;
			readonly index: number;
			readonly tx: Uint8Array;
			readonly result: abci.ExecTxResult;
	  }
	| { readonly name: "ValidatorSetUpdates"; readonly validatorUpdates: readonly Validator[] }
	| { readonly name: "Vote"; readonly vote: Vote }
	| {
			readonly name:
				| "NewRoundStep"
				| "Polka"
				| "Lock"
				| "Relock"
				| "Unlock"
				| "ValidBlock"
				| "TimeoutPropose"
				| "TimeoutWait";
			readonly height: Height;
			readonly round: Round;
			readonly step: string;
	  }
	| {
			readonly name: "NewRound";
			readonly height: Height;
			readonly round: Round;
			readonly step: string;
			readonly proposer: { readonly address: Uint8Array; readonly index: number };
	  }
	| {
			readonly name: "CompleteProposal";
			readonly height: Height;
			readonly round: Round;
			readonly step: string;
			readonly blockId: BlockId;
			readonly block: BlockKey;
	  };

export type ChainEventListener = (event: ChainEvent) => void;

/** Hands each event to every listener, in order, at once. A listener must neither throw nor take long: it queues what is slow. */
export class EventBus {
	readonly #listeners = new Set<ChainEventListener>();

	/** True if somebody listens: publishers may skip making events otherwise. */
	get heard(): boolean {
		return this.#listeners.size > 0;
	}

	/** Returns the function that ends the subscription. */
	subscribe(listener: ChainEventListener): () => void {
		this.#listeners.add(listener);
		return () => {
			this.#listeners.delete(listener);
		};
	}

	publish(event: ChainEvent): void {
		for (const listener of this.#listeners) listener(event);
	}
}

/** All that came out of one height, for the indexer: handed over once the state is saved. */
export interface ExecutedBlock {
	readonly block: Block;
	readonly blockId: BlockId;
	readonly result: abci.ResponseFinalizeBlock;
}
