/** What can be said to running workflows and asked of them. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow'
import type {
  CancelCommand,
  OperateCommand,
  OrderProgress,
  ParcelDispatched,
  ParcelReport,
} from '#contracts/workflows.ts'
import type { ShipmentStatus } from '#contracts/states.ts'

export const cancel = defineUpdate<void, [CancelCommand]>('cancel')
export const operate = defineUpdate<void, [OperateCommand]>('operate')
export const report = defineUpdate<ShipmentStatus, [ParcelReport]>('report')

/** From a shipment to its order: the parcel has left, its part of the money is due. */
export const parcelDispatched = defineSignal<[ParcelDispatched]>('parcelDispatched')

export const progress = defineQuery<OrderProgress>('progress')
export const shipmentStatus = defineQuery<ShipmentStatus>('status')
