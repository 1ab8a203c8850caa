export { formatHostPort, parseSocketAddress, type SocketAddress } from "./address.ts";
export { ManualTime, settle } from "./memory/manual-time.ts";
export { type CrashOptions, type DiskOperation, MemoryDisk, type MemoryDiskHooks } from "./memory/memory-disk.ts";
export { MemoryNetwork, type MemoryNetworkOptions } from "./memory/memory-network.ts";
export { MemoryStore } from "./memory/memory-store.ts";
export { type MemoryWorld, type MemoryWorldOptions, memoryNetwork, memoryWorld } from "./memory/memory-world.ts";
export { SeededRandom } from "./memory/seeded-random.ts";
export { realWorld } from "./real/real-world.ts";
