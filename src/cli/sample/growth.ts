import { ageAt } from './calendar.ts';
import type { Person } from './person.ts';

/** Ages with the share of the adult height reached, and with a child's usual body mass index; read off growth charts, rounded. */
const HEIGHT_SHARE = [
  [0, 0.29],
  [0.5, 0.385],
  [1, 0.435],
  [2, 0.505],
  [4, 0.595],
  [6, 0.67],
  [8, 0.735],
  [10, 0.795],
  [12, 0.86],
  [14, 0.93],
  [16, 0.98],
  [18, 1],
] as const;
const CHILD_BMI = [
  [0, 13.3],
  [0.5, 17.2],
  [1, 17],
  [2, 16.4],
  [4, 15.6],
  [6, 15.4],
  [10, 16.7],
  [14, 19.4],
  [18, 22],
] as const;

/** Height and weight at a time; an adult's index is the course's, a child's follows the charts towards it. */
export function bodyAt(person: Person, adultBmi: number, time: number): { readonly heightCm: number; readonly weightKg: number } {
  const age = ageAt(person.birth, time);
  const heightCm = person.heightCm * interpolate(HEIGHT_SHARE, age);
  const bmi = age >= 18 ? adultBmi : interpolate(CHILD_BMI, age) * (1 + ((person.leanBmi / 22 - 1) * age) / 18);
  return { heightCm, weightKg: bmi * (heightCm / 100) ** 2 };
}

function interpolate(points: readonly (readonly [x: number, y: number])[], x: number): number {
  let [before] = points;
  for (const point of points) {
    if (before !== undefined && x < point[0]) return before[1] + ((point[1] - before[1]) * (x - before[0])) / (point[0] - before[0] || 1);
    before = point;
  }
  return before?.[1] ?? 0;
}
