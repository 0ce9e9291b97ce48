#!/usr/bin/env python3
"""Writes tests/data/captures/expected/*.csv: runs the SQL of the captures on a PostgreSQL and a MariaDB
of its own and copies out the tables that it leaves. So the truth comes from the databases, not from
Debezium and not from cdcl. Not run by the tests: run it by hand when a capture is added.

A file's head gives name and kind of each column ("price decimal"); \\N is NULL. Kinds are those of
truth.py, which reads the files. Tables that the SQL truncates or drops in the end are also copied out
just before ("before_truncate", "before_drop")."""
import csv, os, sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'e2e'))
import rig

DATA = os.path.join(os.path.dirname(HERE), 'data', 'captures')


def write(name, head, rows):
    with open('%s/expected/%s.csv' % (DATA, name), 'w', encoding='utf-8', newline='') as f:
        out = csv.writer(f, lineterminator='\n')
        out.writerow(head)
        out.writerows(rows)
    print('%-32s %d rows' % (name, len(rows)))


def copied(db, name, table, key, database):
    write(name, *db.table(table, key, database))


def sql(name):
    with open('%s/sql_%s.sql' % (DATA, name), encoding='utf-8') as f:
        return f.read()


def split(text, before):
    at = text.index(before)
    return text[:at], text[at:]


def postgres(db):
    for database in ('a', 'b', 'c'):
        db.run('create database ' + database)
        db.run(sql(database + '_1_before'), database)
    early, late = split(sql('a_2_stream'), 'truncate docs;')
    for when, text in (('before_truncate', early), ('final', late)):
        db.run(text, 'a')
        for table, key in (('customers', 'id'), ('orders', 'order_id'), ('docs', 'id'), ('strict', 'id'), ('nokey', 'a')):
            copied(db, 'a_%s_%s' % (table, when), table, key, 'a')
    db.run(sql('b_2_stream'), 'b')
    copied(db, 'b_types', 'types', 'id', 'b')
    db.run(sql('b_3_risky'), 'b')
    copied(db, 'b_risky', 'risky', 'id', 'b')
    early, late = split(sql('c_2_stream'), 'drop table items;')
    db.run(early, 'c')
    copied(db, 'c_items_before_drop', 'items', 'id', 'c')
    db.run(late, 'c')
    for table, key in (('late', 'id'), ('comp', 'a')):
        copied(db, 'c_' + table, table, key, 'c')


def mariadb(db):
    db.run('create database a; create database b')
    db.run(sql('m_a_1_before'), 'a')
    early, late = split(sql('m_a_2_stream'), 'truncate table nokey;')
    db.run(early, 'a')
    for table, key in (('orders', 'order_id'), ('nokey', 'a'), ('strict_t', 'id')):
        copied(db, 'm_a_%s_before_truncate' % table, table, key, 'a')
    db.run(late, 'a')
    for table, key in (('customers', 'id'), ('orders', 'order_id'), ('nokey', 'a')):
        copied(db, 'm_a_%s_final' % table, table, key, 'a')
    db.run(sql('m_b_1_before'), 'b')
    db.run(sql('m_b_2_stream'), 'b')
    copied(db, 'm_b_types', 'types', 'id', 'b')
    # the table that Maxwell's capture begins with, read off the first row that it bootstraps
    db.run("create database shop; create table shop.t(id int primary key, name varchar(50), price decimal(10,2),"
           " ts timestamp(6) null, j json, b blob, e enum('a','b'), big bigint unsigned);"
           "insert into shop.t values (1,'boot',1.10,'2024-01-01','{\"a\":1}',x'00ff','a',18446744073709551615)")
    text = sql('maxwell')
    db.run(text, 'shop')
    db.run("insert into t(id,name) values (50,'after bootstrap')", 'shop')
    for table, key in (('t', 'id'), ('u', 'a')):
        copied(db, 'maxwell_' + table, table, key, 'shop')


if __name__ == '__main__':
    with rig.Postgres() as db:
        postgres(db)
    with rig.MariaDB() as db:
        mariadb(db)
