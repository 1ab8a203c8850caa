import { abci } from "@cairn/types/proto";
import type { Answer } from "./methods.ts";

/** Code of a transaction (or query) that went well. */
export const CODE_OK = 0;

/** Codes of CheckTx and InsertTx from here on mean "try again later" (application mempool). */
export const CODE_RETRY = 32_000;

/**
 * A deterministic state machine driven by blocks (ABCI 2.0 as in CometBFT v0.40.0). One of it serves four connections;
 * calls of one connection come in order. What a method throws is a failure of the application: on the consensus
 * connection it halts the node.
 *
 * Byte arrays in requests may be views of larger buffers: copy what outlives the call.
 */
export interface Application {
	/** Says which height the application has persisted; drives the replay at start. */
	info(request: abci.RequestInfo): Answer<abci.ResponseInfo>;
	/** Reads state. */
	query(request: abci.RequestQuery): Answer<abci.ResponseQuery>;

	/** Is this transaction worth a place in the mempool? Asked again after each block. */
	checkTx(request: abci.RequestCheckTx): Answer<abci.ResponseCheckTx>;
	/** Takes a transaction into the application's own mempool. May be called while another call runs. */
	insertTx(request: abci.RequestInsertTx): Answer<abci.ResponseInsertTx>;
	/** Gives transactions of the application's own mempool to gossip. May be called while another call runs. */
	reapTxs(request: abci.RequestReapTxs): Answer<abci.ResponseReapTxs>;

	/** Once per chain, before the first block. */
	initChain(request: abci.RequestInitChain): Answer<abci.ResponseInitChain>;
	/** The proposer asks for the transactions of its block; their bytes must not exceed `maxTxBytes`. */
	prepareProposal(request: abci.RequestPrepareProposal): Answer<abci.ResponsePrepareProposal>;
	/** Judges a proposed block; must be deterministic. */
	processProposal(request: abci.RequestProcessProposal): Answer<abci.ResponseProcessProposal>;
	/** Gives the bytes that go with our precommit. */
	extendVote(request: abci.RequestExtendVote): Answer<abci.ResponseExtendVote>;
	/** Judges the bytes of another validator's precommit; must be deterministic. */
	verifyVoteExtension(request: abci.RequestVerifyVoteExtension): Answer<abci.ResponseVerifyVoteExtension>;
	/** Executes the decided block; one result per transaction. Nothing may be persisted before `commit`. */
	finalizeBlock(request: abci.RequestFinalizeBlock): Answer<abci.ResponseFinalizeBlock>;
	/** Persists what `finalizeBlock` did. */
	commit(request: abci.RequestCommit): Answer<abci.ResponseCommit>;

	listSnapshots(request: abci.RequestListSnapshots): Answer<abci.ResponseListSnapshots>;
	offerSnapshot(request: abci.RequestOfferSnapshot): Answer<abci.ResponseOfferSnapshot>;
	loadSnapshotChunk(request: abci.RequestLoadSnapshotChunk): Answer<abci.ResponseLoadSnapshotChunk>;
	applySnapshotChunk(request: abci.RequestApplySnapshotChunk): Answer<abci.ResponseApplySnapshotChunk>;

	/** Releases what the application holds (its database). Called once, after the last call. */
	close?(): Answer<void>;
}

/** Accepts everything and keeps nothing: the answers of CometBFT's `BaseApplication`, to be overridden. */
export class BaseApplication implements Application {
	info(_request: abci.RequestInfo): Answer<abci.ResponseInfo> {
		return abci.ResponseInfo.create();
	}

	query(_request: abci.RequestQuery): Answer<abci.ResponseQuery> {
		return abci.ResponseQuery.create();
	}

	checkTx(_request: abci.RequestCheckTx): Answer<abci.ResponseCheckTx> {
		return abci.ResponseCheckTx.create();
	}

	insertTx(_request: abci.RequestInsertTx): Answer<abci.ResponseInsertTx> {
		return abci.ResponseInsertTx.create();
	}

	reapTxs(_request: abci.RequestReapTxs): Answer<abci.ResponseReapTxs> {
		return abci.ResponseReapTxs.create();
	}

	initChain(_request: abci.RequestInitChain): Answer<abci.ResponseInitChain> {
		return abci.ResponseInitChain.create();
	}

	/** The first transactions that fit into `maxTxBytes`, in order. */
	prepareProposal(request: abci.RequestPrepareProposal): Answer<abci.ResponsePrepareProposal> {
		const txs: Uint8Array[] = [];
		let total = 0;
		for (const tx of request.txs) {
			total += tx.length;
			if (total > request.maxTxBytes) break;
			txs.push(tx);
		}
		return { txs };
	}

	processProposal(_request: abci.RequestProcessProposal): Answer<abci.ResponseProcessProposal> {
		return { status: abci.ResponseProcessProposalProposalStatus.ACCEPT };
	}

	extendVote(_request: abci.RequestExtendVote): Answer<abci.ResponseExtendVote> {
		return abci.ResponseExtendVote.create();
	}

	verifyVoteExtension(_request: abci.RequestVerifyVoteExtension): Answer<abci.ResponseVerifyVoteExtension> {
		return { status: abci.ResponseVerifyVoteExtensionVerifyStatus.ACCEPT };
	}

	finalizeBlock(request: abci.RequestFinalizeBlock): Answer<abci.ResponseFinalizeBlock> {
		const txResults = request.txs.map(() => abci.ExecTxResult.create());
		return abci.ResponseFinalizeBlock.create({ txResults });
	}

	commit(_request: abci.RequestCommit): Answer<abci.ResponseCommit> {
		return abci.ResponseCommit.create();
	}

	listSnapshots(_request: abci.RequestListSnapshots): Answer<abci.ResponseListSnapshots> {
		return abci.ResponseListSnapshots.create();
	}

	offerSnapshot(_request: abci.RequestOfferSnapshot): Answer<abci.ResponseOfferSnapshot> {
		return abci.ResponseOfferSnapshot.create();
	}

	loadSnapshotChunk(_request: abci.RequestLoadSnapshotChunk): Answer<abci.ResponseLoadSnapshotChunk> {
		return abci.ResponseLoadSnapshotChunk.create();
	}

	applySnapshotChunk(_request: abci.RequestApplySnapshotChunk): Answer<abci.ResponseApplySnapshotChunk> {
		return abci.ResponseApplySnapshotChunk.create();
	}
}
