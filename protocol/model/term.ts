import type { LeaseId, PeerId } from './ids.ts'

/**
 * The reign of one head. Terms are totally ordered: by number, then by head.
 * A term is in the ledger (fsynced) before it is used; every message carries it.
 */
export interface Term {
  readonly number: number
  readonly head: PeerId
}

/** Negative if `a` is older than `b`, 0 if they are the same term, positive if newer. */
export const compareTerms = (a: Term, b: Term): number =>
  a.number === b.number ? (a.head < b.head ? -1 : a.head > b.head ? 1 : 0) : a.number - b.number

/** Fencing token: names one lease for ever and makes late messages harmless. */
export interface LeaseToken {
  readonly term: Term
  readonly leaseId: LeaseId
}
