import { type Checker, fail } from "../checker.ts";
import { checkAbciSession } from "./abci-session.ts";
import { checkAbciStream } from "./abci-stream.ts";
import { checkChain } from "./chain.ts";
import { checkCommitVerify } from "./commit-verify.ts";
import { checkConfigSamples } from "./config-samples.ts";
import { checkEd25519 } from "./ed25519-zip215.ts";
import { checkEvidenceVerify } from "./evidence-verify.ts";
import { checkGenesisParse } from "./genesis-parse.ts";
import { checkHashes } from "./hashes.ts";
import { checkInvalid } from "./invalid.ts";
import { checkKeys } from "./keys.ts";
import { checkLimits } from "./limits.ts";
import { checkMconn } from "./mconn.ts";
import { checkPrivvalFile, checkPrivvalStates } from "./privval-file.ts";
import { checkProposer } from "./proposer.ts";
import { checkProto } from "./proto.ts";
import { checkRpc, checkWs } from "./recorded-rpc.ts";
import { checkSecretconn } from "./secretconn.ts";
import { checkSignBytes } from "./sign-bytes.ts";
import { checkVoteSet } from "./vote-set.ts";
import { checkWal } from "./wal.ts";

/** Kinds of files whose code this product does not have yet; each file fails saying so. */
export const NOT_BUILT: readonly string[] = ["light-mbt", "light-verify", "lp2p"];

const notBuilt: Checker = (_file, tally) => tally.check("file", () => fail("not built yet"));

/** The checker of every kind of vector file. */
export const CHECKERS: Readonly<Record<string, Checker>> = {
	"abci-session": checkAbciSession,
	"abci-stream": checkAbciStream,
	chain: checkChain,
	"commit-verify": checkCommitVerify,
	"config-samples": checkConfigSamples,
	"ed25519-zip215": checkEd25519,
	"evidence-verify": checkEvidenceVerify,
	"genesis-parse": checkGenesisParse,
	hashes: checkHashes,
	invalid: checkInvalid,
	keys: checkKeys,
	limits: checkLimits,
	mconn: checkMconn,
	"privval-file": checkPrivvalFile,
	"privval-state-snapshots": checkPrivvalStates,
	proposer: checkProposer,
	proto: checkProto,
	rpc: checkRpc,
	secretconn: checkSecretconn,
	"sign-bytes": checkSignBytes,
	"vote-set": checkVoteSet,
	wal: checkWal,
	ws: checkWs,
	...Object.fromEntries(NOT_BUILT.map((kind) => [kind, notBuilt])),
};
