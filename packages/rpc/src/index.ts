export type { ConsensusView, NetworkView, RouteLimits, RpcEnvironment } from "./environment.ts";
export { IndexerService, type IndexerServiceParts } from "./indexer/indexer-service.ts";
export { Dispatcher, type DispatcherOptions } from "./protocol/dispatcher.ts";
export type { Route } from "./routes/route.ts";
export { ROUTES, routeTable } from "./routes/table.ts";
export type { ServerOptions } from "./server/options.ts";
export { type RpcServer, type RpcServerParts, startRpcServer } from "./server/rpc-server.ts";
export { Subscriptions } from "./subscriptions/subscriptions.ts";
