export { BlockStore, type BlockStoreOptions, type PrunedBlocks } from "./block-store.ts";
export { EvidenceStore, type EvidenceStoreOptions } from "./evidence-store.ts";
export { rollBack } from "./rollback.ts";
export { StateStore, type StateStoreOptions } from "./state-store.ts";
export { crc32c } from "./wal/crc32c.ts";
export { encodeWalRecord, type TimedWalRecord, type WalRecord } from "./wal/record.ts";
export { type DamagedRange, readWalFile, type WalFileReport } from "./wal/scan.ts";
export { Wal, type WalOptions, type WalRepair } from "./wal/wal.ts";
