/** What tools may use of the node without starting one: its configuration. The command line is `dist/cli/main.js`. */
export * from "./config/index.ts";
