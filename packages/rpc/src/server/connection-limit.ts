import type { Server, Socket } from "node:net";

/** Connections that may wait for a place; more are turned away, for each holds an open file. */
const MAX_WAITING = 128;

/**
 * Serves at most `max` connections of a server at a time; the next ones wait until one ends (Go's `netutil.LimitListener`).
 * Call before the server listens. @param max 0: no limit
 */
export function limitConnections(server: Server, max: number): void {
	if (max <= 0) return;
	const listeners = server.listeners("connection") as ((socket: Socket) => void)[];
	const waiting = new Set<Socket>();
	let open = 0;
	const serve = (socket: Socket): void => {
		open++;
		socket.once("close", () => {
			open--;
			const [next] = waiting;
			if (next === undefined) return;
			waiting.delete(next);
			serve(next);
		});
		for (const listener of listeners) listener.call(server, socket);
	};
	server.removeAllListeners("connection");
	server.on("connection", (socket: Socket) => {
		if (open < max) return serve(socket);
		if (waiting.size >= MAX_WAITING) return socket.destroy();
		waiting.add(socket);
		socket.once("close", () => waiting.delete(socket));
		// Whoever gives up while waiting is no concern of ours; an error without listener would end the process.
		socket.on("error", () => waiting.delete(socket));
	});
}
