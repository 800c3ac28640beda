/** All authorizations, rebuilt from the ledger at start and changed only together with it. */
import { randomUUID } from 'node:crypto'
import { notFound } from '#platform/problem.ts'
import type { Idempotency, RunningRequest } from '../shared/idempotency.ts'
import type { StoredAnswer, WebhookEvent } from '../shared/ledger-entries.ts'
import type { Ledger } from '../shared/ledger-file.ts'
import type { Webhooks } from '../shared/webhooks.ts'
import { asOf, evolve, present, type Authorization } from './authorization.ts'
import type { Effect, MoneyEntry, OutsideEffect, ProviderEntry, RequestedEffect } from './ledger-entries.ts'

export interface BookOptions {
  ledger: Ledger<ProviderEntry>
  idempotency: Idempotency
  webhooks: Webhooks | undefined
  /** The page of an authorization that waits for its customer. */
  actionUrl: (token: string) => string
}

export type Book = ReturnType<typeof createBook>

export function createBook({ ledger, idempotency, webhooks, actionUrl }: BookOptions) {
  const authorizations = new Map<string, Authorization>()
  const byReference = new Map<string, string[]>()
  const byActionToken = new Map<string, string>()
  const failures = new Map<string, number>()
  for (const entry of ledger.entries()) restore(entry)

  function restore(entry: ProviderEntry): void {
    if ('request' in entry) idempotency.restore(entry.request, entry.at)
    apply(entry)
  }

  function record(entry: ProviderEntry): void {
    ledger.append(entry)
    apply(entry)
  }

  function apply(entry: ProviderEntry): void {
    switch (entry.type) {
      case 'authorization':
      case 'authentication':
      case 'capture':
      case 'void':
      case 'refund':
      case 'dispute':
        return change(entry)
      case 'failure':
        failures.set(entry.reference, (failures.get(entry.reference) ?? 0) + 1)
        return
      case 'faults_cleared':
        for (const [id, known] of authorizations) authorizations.set(id, { ...known, healed: true })
        return
      case 'refusal':
      case 'webhook': // change nothing
    }
  }

  function change(effect: Effect): void {
    const { authorizationId: id, reference } = effect
    const authorization = evolve(authorizations.get(id), effect)
    authorizations.set(id, authorization)
    if (effect.type !== 'authorization') return
    byReference.set(reference, [...(byReference.get(reference) ?? []), id])
    if (authorization.actionToken !== undefined) byActionToken.set(authorization.actionToken, id)
  }

  /** @throws ProblemError `not_found` */
  function find(id: string): Authorization {
    const authorization = authorizations.get(id)
    if (authorization === undefined) throw notFound('authorization')
    return asOf(authorization, Date.now())
  }

  const show = (authorization: Authorization) => present(authorization, actionUrl)

  /** The webhook of an effect, when there is anyone to tell; with how far the authorization is by then. */
  function told(effect: Effect, news: string | undefined): { event?: WebhookEvent } {
    if (webhooks === undefined || news === undefined) return {}
    const { authorizationId, reference, at, type } = effect
    const { status, captured, refunded, released } = evolve(authorizations.get(authorizationId), effect)
    const figures = type === 'dispute' ? {} : { figures: { status, captured, refunded, released } }
    const data = { authorizationId, reference, ...figures }
    return { event: { id: `evt_${randomUUID()}`, type: `authorization.${news}`, createdAt: at, data } }
  }

  function commit(entry: MoneyEntry): void {
    record(entry)
    if (entry.event !== undefined) webhooks?.send(entry.event)
  }

  return {
    record,
    find,
    show: (id: string) => show(find(id)),
    /** Oldest first. */
    list: (reference: string) => (byReference.get(reference) ?? []).map((id) => show(find(id))),
    /** @throws ProblemError `not_found` */
    findByActionToken: (token: string): Authorization => find(byActionToken.get(token) ?? ''),
    /** How many calls for this reference failed before they were executed. */
    failuresOf: (reference: string): number => failures.get(reference) ?? 0,

    /**
     * Makes an effect that a call asked for, and answers with the authorization as it is then (or with `answer`).
     * `news` names the webhook.
     */
    settle(
      request: RunningRequest,
      effect: RequestedEffect,
      news?: string,
      answer?: StoredAnswer,
    ): StoredAnswer {
      const next = asOf(evolve(authorizations.get(effect.authorizationId), effect), Date.now())
      const usual: StoredAnswer = {
        status: next.status === 'declined' ? 402 : 201,
        contentType: 'application/json; charset=utf-8',
        body: { ...show(next), ...operationOf(effect) },
      }
      return request.settle(answer ?? usual, (settled) =>
        commit({ ...effect, request: settled, ...told(effect, news) }),
      )
    },

    /** Makes an effect that a person, or their bank, is the cause of. */
    happen(effect: OutsideEffect, news: string): void {
      commit({ ...effect, ...told(effect, news) })
    },
  }
}

function operationOf(effect: RequestedEffect) {
  if (effect.type === 'authorization') return {}
  const { operationId, type, amount, at } = effect
  return { operation: { id: operationId, type, amount, createdAt: at } }
}
