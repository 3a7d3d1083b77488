/** Ends an exhaustive `switch`: it does not compile while a case is missing. */
export const assertNever = (value: never): never => {
  throw new Error(`unexpected value ${JSON.stringify(value)}`)
}
