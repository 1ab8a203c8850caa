import { abci, type Codec } from "@cairn/types/proto";

type RequestArm = NonNullable<abci.Request["value"]>;
type ResponseArm = NonNullable<abci.Response["value"]>;

/** What can travel in a Request; the answer has the same name (or is an exception). */
export type Kind = RequestArm["kind"];

/** The methods of an application. Echo and Flush belong to the connection: applications never see them. */
export type Method = Exclude<Kind, "echo" | "flush">;

type Requests = { readonly [Arm in RequestArm as Arm["kind"]]: Arm["value"] };
type Responses = { readonly [Arm in ResponseArm as Arm["kind"]]: Arm["value"] };

export type RequestOf<K extends Kind> = Requests[K];
export type ResponseOf<K extends Kind> = Responses[K];

/** An answer now or later. */
export type Answer<T> = T | Promise<T>;

/** How one method is called in each of its forms. */
export interface MethodInfo<K extends Kind> {
	/** In logs and metrics, as `check_tx`. */
	readonly label: string;
	/** In the gRPC service, as `CheckTx`. */
	readonly rpc: string;
	readonly request: Codec<RequestOf<K>>;
	readonly response: Codec<ResponseOf<K>>;
}

type MethodTable = { readonly [K in Kind]: MethodInfo<K> };

function info<K extends Kind>(
	rpc: string,
	request: Codec<RequestOf<K>>,
	response: Codec<ResponseOf<K>>,
): MethodInfo<K> {
	const label = rpc.replace(/(?!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
	return { label, rpc, request, response };
}

/** Every method of ABCI 2.0 as CometBFT v0.40.0 has it (proto/tendermint/abci/types.proto, service ABCI). */
export const METHODS: MethodTable = {
	echo: info<"echo">("Echo", abci.RequestEcho, abci.ResponseEcho),
	flush: info<"flush">("Flush", abci.RequestFlush, abci.ResponseFlush),
	info: info<"info">("Info", abci.RequestInfo, abci.ResponseInfo),
	checkTx: info<"checkTx">("CheckTx", abci.RequestCheckTx, abci.ResponseCheckTx),
	insertTx: info<"insertTx">("InsertTx", abci.RequestInsertTx, abci.ResponseInsertTx),
	reapTxs: info<"reapTxs">("ReapTxs", abci.RequestReapTxs, abci.ResponseReapTxs),
	query: info<"query">("Query", abci.RequestQuery, abci.ResponseQuery),
	commit: info<"commit">("Commit", abci.RequestCommit, abci.ResponseCommit),
	initChain: info<"initChain">("InitChain", abci.RequestInitChain, abci.ResponseInitChain),
	listSnapshots: info<"listSnapshots">("ListSnapshots", abci.RequestListSnapshots, abci.ResponseListSnapshots),
	offerSnapshot: info<"offerSnapshot">("OfferSnapshot", abci.RequestOfferSnapshot, abci.ResponseOfferSnapshot),
	loadSnapshotChunk: info<"loadSnapshotChunk">(
		"LoadSnapshotChunk",
		abci.RequestLoadSnapshotChunk,
		abci.ResponseLoadSnapshotChunk,
	),
	applySnapshotChunk: info<"applySnapshotChunk">(
		"ApplySnapshotChunk",
		abci.RequestApplySnapshotChunk,
		abci.ResponseApplySnapshotChunk,
	),
	prepareProposal: info<"prepareProposal">(
		"PrepareProposal",
		abci.RequestPrepareProposal,
		abci.ResponsePrepareProposal,
	),
	processProposal: info<"processProposal">(
		"ProcessProposal",
		abci.RequestProcessProposal,
		abci.ResponseProcessProposal,
	),
	extendVote: info<"extendVote">("ExtendVote", abci.RequestExtendVote, abci.ResponseExtendVote),
	verifyVoteExtension: info<"verifyVoteExtension">(
		"VerifyVoteExtension",
		abci.RequestVerifyVoteExtension,
		abci.ResponseVerifyVoteExtension,
	),
	finalizeBlock: info<"finalizeBlock">("FinalizeBlock", abci.RequestFinalizeBlock, abci.ResponseFinalizeBlock),
};

/** All kinds, in the order of the service definition. */
export const KINDS = Object.keys(METHODS) as readonly Kind[];

/** Only the methods of an application. */
export const APPLICATION_METHODS = KINDS.filter((kind): kind is Method => kind !== "echo" && kind !== "flush");
