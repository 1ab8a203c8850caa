declare const unit: unique symbol;

/**
 * A primitive that knows its unit. A plain `number` may be used where a `Flavor<number, "height">` is asked for,
 * but a round may not: mixing two flavours is a type error, arithmetic stays free of casts.
 */
export type Flavor<T, Unit extends string> = T & { readonly [unit]?: Unit };
