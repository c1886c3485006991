/**
 * What a report is made of: plain JSON data, put together by the campaign. Device tokens, keys, passphrases and
 * provider tokens never belong into it.
 */
import type { LatencyData } from '../../engine/latency-histogram.js';
import type { Protocol } from '../../push/address.js';
import type { SeriesData } from './run-series.js';
import type { CampaignSummary } from './summary.js';

/** A setting as its user gave it, without secrets. */
export interface ReportSetting {
  /** As the option is called. */
  readonly name: string;
  readonly value: string;
}

export interface ReportData {
  readonly version: 1;
  /** What the campaign is called, such as its message or the directory of its files. */
  readonly title: string;
  /** When this data was put together. */
  readonly writtenMs: number;
  /** The IANA name of the time zone in which times are said. */
  readonly timeZone: string;
  /** What the gateway speaks: it decides what a reason means. */
  readonly protocol: Protocol;
  readonly summary: CampaignSummary;
  /** Null: nothing was sent yet. */
  readonly series: SeriesData | null;
  /** From dispatch to answer. */
  readonly latency: LatencyData | null;
  readonly settings: readonly ReportSetting[];
  /** The version of peal. */
  readonly madeBy: string;
}
