/** Why one element of a differential can't be applied; the message follows its path. */
export class ElementFault extends Error {
  override readonly name = 'ElementFault';
  readonly id: string;

  constructor(id: string, message: string) {
    super(message);
    this.id = id;
  }
}
