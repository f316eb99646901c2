"""Households and accounts of the firm, as the accounts feed states them."""

from sqlalchemy import Connection, text


def save_accounts(connection: Connection, firm_id: str) -> None:
    """Write the staged accounts and their households; those that are there get the staged profile.

    Of an account that is staged twice only the last row stays in `staged`, and counts.
    """
    connection.execute(
        text(
            "DELETE FROM staged earlier USING staged later"
            " WHERE later.account_id = earlier.account_id AND later.line > earlier.line"
        )
    )
    connection.execute(
        text(
            """
            INSERT INTO household (firm_id, household_id)
            SELECT DISTINCT :firm, household_id FROM staged ORDER BY household_id
            ON CONFLICT DO NOTHING
            """
        ),
        {"firm": firm_id},
    )
    connection.execute(
        text(
            """
            INSERT INTO account (firm_id, account_id, household_id, advisor_id, profile)
            SELECT :firm, account_id, household_id, advisor_id, jsonb_build_object(
                'id', account_id, 'household_id', household_id, 'advisor_id', advisor_id,
                'programme', programme, 'registration', registration, 'model_id', model_id,
                'discretionary', discretionary, 'standing', standing,
                'approved_for_trading', approved_for_trading, 'tier', tier)
            FROM staged
            ORDER BY account_id
            ON CONFLICT (firm_id, account_id) DO UPDATE
            SET household_id = excluded.household_id, advisor_id = excluded.advisor_id, profile = excluded.profile
            WHERE (account.household_id, account.advisor_id, account.profile)
                IS DISTINCT FROM (excluded.household_id, excluded.advisor_id, excluded.profile)
            """
        ),
        {"firm": firm_id},
    )
