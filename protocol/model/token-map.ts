import type { LeaseToken, Term } from './term.ts'

/** Values by fencing token, in the order they were added within each term. */
export interface TokenMap<T> {
  readonly size: () => number
  readonly get: (token: LeaseToken) => T | undefined
  readonly has: (token: LeaseToken) => boolean
  readonly set: (token: LeaseToken, value: T) => void
  readonly delete: (token: LeaseToken) => boolean
  readonly clear: () => void
  readonly values: () => Generator<T>
}

/** Whether both are one term: number and head. */
export const sameTerm = (a: Term, b: Term): boolean => a.number === b.number && a.head === b.head

/** Whether both name one lease. */
export const sameToken = (a: LeaseToken, b: LeaseToken): boolean =>
  a.leaseId === b.leaseId && sameTerm(a.term, b.term)

/** Text of a token, for messages and as a key where speed does not matter. */
export const tokenToText = (token: LeaseToken): string =>
  `${String(token.term.number)}/${token.term.head}/${String(token.leaseId)}`

/** Few terms, many leases: no key text is built, which matters at a million leases. */
export const createTokenMap = <T>(): TokenMap<T> => {
  let terms: { readonly term: Term; readonly byId: Map<number, T> }[] = []
  const find = (term: Term): Map<number, T> | undefined => {
    for (let i = terms.length - 1; i >= 0; i--) {
      const entry = terms[i]
      if (entry !== undefined && sameTerm(entry.term, term)) return entry.byId
    }
    return undefined
  }
  return {
    size: () => terms.reduce((sum, { byId }) => sum + byId.size, 0),
    get: (token) => find(token.term)?.get(token.leaseId),
    has: (token) => find(token.term)?.has(token.leaseId) ?? false,
    set: (token, value) => {
      const byId = find(token.term)
      if (byId !== undefined) byId.set(token.leaseId, value)
      else terms.push({ term: token.term, byId: new Map([[token.leaseId, value]]) })
    },
    delete: (token) => {
      const byId = find(token.term)
      if (byId === undefined || !byId.delete(token.leaseId)) return false
      if (byId.size === 0) terms = terms.filter((entry) => entry.byId !== byId)
      return true
    },
    clear: () => {
      terms = []
    },
    values: function* () {
      for (const { byId } of terms) yield* byId.values()
    },
  }
}
