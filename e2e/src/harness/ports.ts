import { createServer } from "node:net";

/** Ports on loopback that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
	const servers = await Promise.all(
		Array.from({ length: count }, async () => {
			const server = createServer();
			await new Promise<void>((resolve, reject) => {
				server.once("error", reject);
				server.listen(0, "127.0.0.1", resolve);
			});
			return server;
		}),
	);
	const ports = servers.map((server) => {
		const address = server.address();
		if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
		return address.port;
	});
	await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
	return ports;
}

/** One port of loopback that nobody uses right now, for programs that cannot be given port 0. */
export async function freePort(): Promise<number> {
	const [port = 0] = await freePorts(1);
	return port;
}
