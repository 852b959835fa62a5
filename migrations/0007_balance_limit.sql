-- The most that a participant wants to have in a payment channel: what would lift his side over it is not taken. NULL: any.
ALTER TABLE payment_policy ADD COLUMN max_balance INTEGER CHECK (max_balance >= 1);
