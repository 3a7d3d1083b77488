import type { RecordHeader } from '#protocol/model/segment.ts'
import type { Term } from '#protocol/model/term.ts'
import { compareTerms } from '#protocol/model/term.ts'

/**
 * The order in which records are judged when they disagree: the same on every member, whatever the order
 * of arrival. Negative: `a` goes first.
 */
export const byRank = (
  a: { readonly header: RecordHeader },
  b: { readonly header: RecordHeader },
): number =>
  a.header.origin !== b.header.origin
    ? a.header.origin < b.header.origin
      ? -1
      : 1
    : a.header.incarnation - b.header.incarnation || a.header.sequence - b.header.sequence

/** By term first, then as above: an older head's word goes before a newer one's. */
export const byTermRank = <Body extends { readonly term: Term }>(
  a: { readonly header: RecordHeader; readonly body: Body },
  b: { readonly header: RecordHeader; readonly body: Body },
): number => compareTerms(a.body.term, b.body.term) || byRank(a, b)
