export type { ConsensusView, NetworkView, RouteLimits, RpcEnvironment } from "./environment.ts";
export { IndexerService, type IndexerServiceParts, type IndexSources } from "./indexer/indexer-service.ts";
export { Dispatcher, type DispatcherOptions } from "./protocol/dispatcher.ts";
export type { Route } from "./routes/route.ts";
export { ROUTES, routeTable } from "./routes/table.ts";
export type { ServerOptions } from "./server/options.ts";
export { type RpcServer, type RpcServerParts, startRpcServer } from "./server/rpc-server.ts";
export { Subscriptions } from "./subscriptions/subscriptions.ts";
// For those who hold this room to recordings of real networks.
export { CallRehearsal } from "./testing/call-rehearsal.ts";
export { FrameRehearsal } from "./testing/frame-rehearsal.ts";
export { MASKED_FIELDS, type MaskedField, maskAnswer } from "./testing/masked-fields.ts";
export { type RecordedCall, type RecordedFrame, type Recording, readRecording } from "./testing/recording.ts";
