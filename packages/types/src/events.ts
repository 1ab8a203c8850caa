/** Names of events and of their keys (`types/events.go`), as clients subscribe to them. */
export const EVENT_TYPE_KEY = "tm.event";
export const TX_HASH_KEY = "tx.hash";
export const TX_HEIGHT_KEY = "tx.height";
export const BLOCK_HEIGHT_KEY = "block.height";

export const EVENT_NEW_BLOCK = "NewBlock";
export const EVENT_NEW_BLOCK_HEADER = "NewBlockHeader";
export const EVENT_NEW_BLOCK_EVENTS = "NewBlockEvents";
export const EVENT_NEW_EVIDENCE = "NewEvidence";
export const EVENT_TX = "Tx";
export const EVENT_VALIDATOR_SET_UPDATES = "ValidatorSetUpdates";

export const EVENT_COMPLETE_PROPOSAL = "CompleteProposal";
export const EVENT_LOCK = "Lock";
export const EVENT_NEW_ROUND = "NewRound";
export const EVENT_NEW_ROUND_STEP = "NewRoundStep";
export const EVENT_POLKA = "Polka";
export const EVENT_RELOCK = "Relock";
export const EVENT_TIMEOUT_PROPOSE = "TimeoutPropose";
export const EVENT_TIMEOUT_WAIT = "TimeoutWait";
export const EVENT_UNLOCK = "Unlock";
export const EVENT_VALID_BLOCK = "ValidBlock";
export const EVENT_VOTE = "Vote";
export const EVENT_NEW_CONSENSUS_PARAMS = "NewConsensusParams";

/** The query that selects one kind of event: `tm.event='Tx'`. */
export function queryForEvent(name: string): string {
	return `${EVENT_TYPE_KEY}='${name}'`;
}
