import { clinical, encounters } from './clinical.ts';
import { directory } from './directory.ts';
import { medication } from './medication.ts';
import { observations } from './observations.ts';
import { restart, type Sample } from './parts.ts';
import { patients } from './patients.ts';
import { payment } from './payment.ts';
import { reports } from './reports.ts';
import { workflow } from './workflow.ts';

/**
 * Resources as hospitals, laboratories and payers write them, made up by hand for training the dictionaries of compression: the usual
 * elements in their usual order, the usual code systems and extensions. The values don't matter, the text between them does.
 *
 * Every sample comes twice: what differs between the two (ids, dates, numbers) is known as no common text.
 */
export function samples(): readonly Sample[] {
  restart();
  return [1, 2].flatMap(() => [
    ...patients(),
    ...observations(),
    ...encounters(),
    ...clinical(),
    ...medication(),
    ...reports(),
    ...directory(),
    ...workflow(),
    ...payment(),
  ]);
}
