import { CairnError } from "@cairn/kit";

/**
 * What grpc-js calls a target, from what operators write: `host:port`, `tcp://host:port` (with which CometBFT waits for
 * ever) or `unix://path`. @throws CairnError `bad-address`
 */
export function grpcTarget(address: string): string {
	if (address.startsWith("unix://")) return `unix:${address.slice("unix://".length)}`;
	const hostPort = address.startsWith("tcp://") ? address.slice("tcp://".length) : address;
	if (/^(\[[0-9a-fA-F:.%\w]+\]|[^[\]:/\s]+):\d{1,5}$/.test(hostPort)) return hostPort;
	const text = `the gRPC address "${address}" cannot be used: write host:port, tcp://host:port or unix://path`;
	throw new CairnError("bad-address", "operator", text, { address });
}
