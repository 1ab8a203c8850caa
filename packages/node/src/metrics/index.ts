export { createMetrics, type MetricsOptions, type NodeMetrics } from "./metrics.ts";
export { type MetricsServer, type MetricsServerOptions, startMetricsServer } from "./server.ts";
