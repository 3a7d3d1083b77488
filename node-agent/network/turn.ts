/** Calls `run` once at the end of this turn of the event loop, however often it is asked to. */
export const oncePerTurn = (run: () => void): (() => void) => {
  let scheduled = false
  return () => {
    if (scheduled) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      run()
    })
  }
}
