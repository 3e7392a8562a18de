"""Files of others as KYC records: CSV, JSON Lines, BODS 0.4, FollowTheMoney and GLEIF; and the way back out.

They translate and decide nothing: what is missing stays unknown, what cannot be read is told with its file, row and
column, and nothing is applied or written while anything is wrong. What each format may say: docs/records.md.
"""
