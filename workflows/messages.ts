/** What can be said to running workflows and asked of them. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow'
import type {
  ApproveReturnCommand,
  CancelReturnCommand,
  ReceiveReturnCommand,
  RejectReturnCommand,
} from '#contracts/return-workflow.ts'
import type {
  AmendCommand,
  AmendResult,
  CancelCommand,
  CancelShipmentRequest,
  ChangePaymentMethodCommand,
  DecideCommand,
  OperateCommand,
  OrderProgress,
  ParcelDispatched,
  ParcelEnded,
  ParcelKept,
  ParcelNews,
  ParcelReport,
  PaymentSettled,
  StockHeld,
} from '#contracts/workflows.ts'
import type { ReturnStatus, ShipmentStatus } from '#contracts/states.ts'

export const cancel = defineUpdate<void, [CancelCommand]>('cancel')
export const decide = defineUpdate<void, [DecideCommand]>('decide')
export const changePaymentMethod = defineUpdate<void, [ChangePaymentMethodCommand]>('changePaymentMethod')
export const amend = defineUpdate<AmendResult, [AmendCommand]>('amend')
export const operate = defineUpdate<void, [OperateCommand]>('operate')
/** From the orders service: news of a parcel that its order may have missed; refused where it is none. */
export const hearOfParcel = defineUpdate<void, [ParcelNews]>('hearOfParcel')
export const report = defineUpdate<ShipmentStatus, [ParcelReport]>('report')

/** From the inventory's events: the stock that the order waits for is held for it now. */
export const stockHeld = defineSignal<[StockHeld]>('stockHeld')
/** From the payments' events: what waited for the customer's approval has an outcome. */
export const paymentSettled = defineSignal<[PaymentSettled]>('paymentSettled')

/** From a shipment to its order: the parcel has left, its part of the money is due. */
export const parcelDispatched = defineSignal<[ParcelDispatched]>('parcelDispatched')
/** From an order to its shipment: the parcel is not wanted any more. */
export const cancelShipment = defineSignal<[CancelShipmentRequest]>('cancelShipment')
/** From a shipment to its order: it is too late to cancel the parcel. */
export const parcelKept = defineSignal<[ParcelKept]>('parcelKept')

/** From an order to a shipment that another run of it had started: how the parcel ends is to be said by a signal. */
export const tellOfEnd = defineSignal('tellOfEnd')
/** From a shipment to its order, which has asked for it: the parcel has come to its end. */
export const parcelEnded = defineSignal<[ParcelEnded]>('parcelEnded')

/** Of the return workflow; each answers with the return's status. */
export const approveReturn = defineUpdate<ReturnStatus, [ApproveReturnCommand]>('approve')
export const rejectReturn = defineUpdate<ReturnStatus, [RejectReturnCommand]>('reject')
export const receiveReturn = defineUpdate<ReturnStatus, [ReceiveReturnCommand]>('receive')
export const cancelReturn = defineUpdate<ReturnStatus, [CancelReturnCommand]>('cancel')

export const progress = defineQuery<OrderProgress>('progress')
export const shipmentStatus = defineQuery<ShipmentStatus>('status')
export const returnStatus = defineQuery<ReturnStatus>('status')
